// Attributes of many subscribers at once, for other systems (客户属性识别, CUS-21).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What one number was answered with.
public struct AttributeAnswer: Sendable, Hashable {
    /// The number as it was sent.
    public var number: String
    /// Values in the order of the attributes that were asked for, empty where there is none; nil with a problem.
    public var values: [String]?
    /// Code of why there is no answer.
    public var problem: String?
}

extension Customers {
    /// Most numbers of a question.
    public static let mostAsked = 1_000

    /// Open attributes of those who have some numbers now: hot, cold and derived ones, profile tags among them.
    ///
    /// - Parameters:
    ///   - codes: Attributes by code.
    ///   - typed: Numbers as people and systems write them.
    ///   - scope: Who is outside it is unknown.
    ///   - today: The logical local day.
    /// - Returns: An answer for each number, in their order.
    /// - Throws: ``PlanningError/badValue(field:why:)`` for attributes that are not open or not there, for none, and for too
    ///   many numbers.
    public func attributes(
        _ codes: [String],
        of typed: [String],
        in scope: OrganisationScope,
        today: LocalDay
    ) async throws -> [AttributeAnswer] {
        guard (1...Self.mostAsked).contains(typed.count) else {
            throw PlanningError.badValue(field: "numbers", why: "send 1 to \(Self.mostAsked)")
        }
        guard !codes.isEmpty else { throw PlanningError.badValue(field: "attributes", why: "name at least one") }
        let shown = try await segments.shown(codes)
        var found: [Result<SubscriberIndex, SpecialListError>] = []
        for number in typed {
            do { found.append(.success(try await lists.subscriber(number, in: scope))) } catch let error
                as SpecialListError
            {
                found.append(.failure(error))
            }
        }
        let members = Set(found.compactMap { try? $0.get().number }).sorted()
        let values = try await segments.values(of: shown, for: members, today: today)
        return zip(typed, found).map { number, found in
            switch found {
            case .success(let index):
                AttributeAnswer(number: number, values: codes.map { values.text(of: $0, at: index.number) })
            case .failure(let error): AttributeAnswer(number: number, problem: error.code)
            }
        }
    }
}
