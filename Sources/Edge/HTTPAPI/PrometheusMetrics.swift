// Counters of the running server in Prometheus' text form.
// SPDX-License-Identifier: Apache-2.0

public import Metrics
import Synchronization

/// Counts requests and everything that libraries report through swift-metrics; ``text`` is what `/metrics` answers.
///
/// Source: Prometheus text exposition format 0.0.4.
public final class PrometheusMetrics: MetricsFactory, Sendable {
    /// Upper bounds of the buckets of request times, in milliseconds.
    static let bounds = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000]

    private struct Series: Hashable, Comparable {
        var name: String
        var labels: String

        init(_ name: String, _ labels: [(String, String)]) {
            self.name = name
            self.labels = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        }

        static func < (a: Series, b: Series) -> Bool { (a.name, a.labels) < (b.name, b.labels) }

        private static func escaped(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }

    private struct Histogram {
        var buckets = [Int](repeating: 0, count: PrometheusMetrics.bounds.count)
        var count = 0
        var seconds = 0.0

        mutating func add(_ seconds: Double) {
            for (place, bound) in PrometheusMetrics.bounds.enumerated() where seconds * 1000 <= Double(bound) {
                buckets[place] += 1
            }
            count += 1
            self.seconds += seconds
        }
    }

    /// What requests are counted by; its series are written once.
    private struct RequestKind: Hashable {
        var method: String
        var route: String
        var status: Int
    }

    private struct Content {
        var requests: [RequestKind: (count: Series, time: Series)] = [:]
        var counters: [Series: Int64] = [:]
        var gauges: [Series: Double] = [:]
        var times: [Series: Histogram] = [:]
    }

    private let content = Mutex(Content())

    /// Starts at zero.
    public init() {}

    /// Counts an answered request.
    func count(request method: String, route: String, status: Int, _ elapsed: Duration) {
        let kind = RequestKind(method: method, route: route, status: status)
        content.withLock { content in
            let series = content.requests[kind] ?? Self.series(of: kind)
            content.requests[kind] = series
            content.counters[series.count, default: 0] += 1
            content.times[series.time, default: Histogram()].add(elapsed / .seconds(1))
        }
    }

    private static func series(of kind: RequestKind) -> (count: Series, time: Series) {
        let labels = [("method", kind.method), ("route", kind.route)]
        return (
            Series("gyre_http_requests_total", labels + [("status", "\(kind.status)")]),
            Series("gyre_http_request_seconds", labels)
        )
    }

    private func observe(_ series: Series, _ seconds: Double) {
        content.withLock { $0.times[series, default: Histogram()].add(seconds) }
    }

    /// Sets a value that goes up and down.
    public func set(_ name: String, _ value: Double, labels: [(String, String)] = []) {
        content.withLock { $0.gauges[Series(name, labels)] = value }
    }

    /// All series in Prometheus' text form.
    public var text: String {
        let content = content.withLock { $0 }
        var text = ""
        var named = ""
        func head(_ name: String, _ type: String) {
            guard name != named else { return }
            named = name
            text += "# TYPE \(name) \(type)\n"
        }
        func line(_ name: String, _ labels: String, _ value: some CustomStringConvertible) {
            text += name + (labels.isEmpty ? "" : "{\(labels)}") + " \(value)\n"
        }
        for (series, value) in content.counters.sorted(by: { $0.key < $1.key }) {
            head(series.name, "counter")
            line(series.name, series.labels, value)
        }
        for (series, value) in content.gauges.sorted(by: { $0.key < $1.key }) {
            head(series.name, "gauge")
            line(series.name, series.labels, value)
        }
        for (series, value) in content.times.sorted(by: { $0.key < $1.key }) {
            head(series.name, "histogram")
            let comma = series.labels.isEmpty ? "" : series.labels + ","
            for (bound, count) in zip(Self.bounds, value.buckets) {
                line(series.name + "_bucket", "\(comma)le=\"\(Double(bound) / 1000)\"", count)
            }
            line(series.name + "_bucket", "\(comma)le=\"+Inf\"", value.count)
            line(series.name + "_sum", series.labels, value.seconds)
            line(series.name + "_count", series.labels, value.count)
        }
        return text
    }

    // MARK: swift-metrics

    private final class Cell: CounterHandler, RecorderHandler, TimerHandler, MeterHandler {
        let series: Series
        let owner: PrometheusMetrics

        init(_ owner: PrometheusMetrics, _ label: String, _ dimensions: [(String, String)]) {
            let name = label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            series = Series(String(name), dimensions)
            self.owner = owner
        }

        func increment(by amount: Int64) { owner.content.withLock { $0.counters[series, default: 0] += amount } }
        func reset() { owner.content.withLock { $0.counters[series] = 0 } }
        func record(_ value: Int64) { record(Double(value)) }
        func record(_ value: Double) { owner.content.withLock { $0.gauges[series] = value } }
        func recordNanoseconds(_ duration: Int64) { owner.observe(series, Double(duration) / 1e9) }
        func set(_ value: Int64) { record(Double(value)) }
        func set(_ value: Double) { record(value) }
        func increment(by amount: Double) { owner.content.withLock { $0.gauges[series, default: 0] += amount } }
        func decrement(by amount: Double) { owner.content.withLock { $0.gauges[series, default: 0] -= amount } }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        Cell(self, label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        Cell(self, label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        Cell(self, label, dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        Cell(self, label, dimensions)
    }

    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
}
