// One column: texts of a file in, typed values out, each wrong text refused with a reason.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
internal import Model
internal import Ports

/// Reads the values of one column of the table and gathers at most ``ColumnBatch/rows`` of them.
///
/// Rows go to fixed buffers, which copies of the value share: there is one value for each column of a load.
struct ValueReader {
    /// What is done with a text, decided once.
    private enum Action {
        case flag, number, day, month, time, enumeration, text, idNumber, idText, msisdn, imsi
    }

    let mapping: ColumnMapping
    private let action: Action
    private let range: ClosedRange<Int64>
    private let scale: Int
    private let utcOffsetSeconds: Int32
    private let translations: ByteTable?
    private let translated: [[UInt8]?]
    private let nulls: ByteTable?
    private let domain: ByteTable?
    private var textIDs = TextIDs()
    private let buffers: ColumnBuffers
    private var texts = TextColumn()
    private var hasNull = false
    private var rows = 0

    init(_ mapping: ColumnMapping, nulls: [String], utcOffsetSeconds: Int32) {
        self.mapping = mapping
        self.utcOffsetSeconds = utcOffsetSeconds
        action = Self.action(mapping.kind)
        buffers = ColumnBuffers(mapping.kind)
        let keys = mapping.translations.keys.sorted()
        translations = keys.isEmpty ? nil : ByteTable(keys)
        translated = keys.map { mapping.translations[$0]?.map { Array($0.utf8) } }
        // The empty text is asked for by its length.
        let words = nulls.filter { !$0.isEmpty }
        self.nulls = words.isEmpty ? nil : ByteTable(words)
        var (scale, range, domain) = (0, Int64.min...Int64.max, ByteTable?.none)
        if case .attribute(let attribute) = mapping.kind {
            if case .decimal(let digits) = attribute.type { scale = digits }
            if attribute.type == .enumeration { domain = ByteTable(attribute.domain.map(\.value)) }
            // DECIMAL(18, s) holds 18 digits.
            let widest = Scaled.powerOfTen(18) - 1
            range = attribute.range ?? (attribute.type == .integer ? -Int64.max...Int64.max : -widest...widest)
        }
        (self.scale, self.range, self.domain) = (scale, range, domain)
    }

    private static func action(_ kind: ValueKind) -> Action {
        switch kind {
        case .lineID(let fromText), .id(let fromText): fromText ? .idText : .idNumber
        case .msisdn: .msisdn
        case .imsi: .imsi
        case .month: .month
        case .time: .time
        case .attribute(let attribute):
            switch attribute.type {
            case .flag: .flag
            case .integer, .decimal: .number
            case .day: .day
            case .enumeration: .enumeration
            case .text: .text
            }
        }
    }

    /// The number in the last row, nil for NULL, for columns that repeat it.
    var lastInteger: Int64? { buffers.isValid(rows - 1) ? buffers.integers[rows - 1] : nil }

    /// The local day of the last row of a time column.
    var lastLocalDay: Int32? {
        lastInteger.map { microseconds in
            let seconds = floorDivide(microseconds, 1_000_000) + Int64(utcOffsetSeconds)
            return Int32(truncatingIfNeeded: floorDivide(seconds, 86_400))
        }
    }

    private func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { (a - (a % b + b) % b) / b }

    // MARK: Rows

    /// Reads a text of the file and adds it as a row, unless it is refused.
    mutating func append(_ raw: UnsafeBufferPointer<UInt8>) -> Refusal? {
        let text = Self.trimmed(raw)
        if let translations, let position = translations.position(text) {
            guard let replacement = translated[position] else {
                appendNull()
                return nil
            }
            return replacement.withUnsafeBufferPointer { append(trimmed: $0) }
        }
        return append(trimmed: text)
    }

    /// Adds a row without a value, unless it is refused.
    mutating func appendBlank() -> Refusal? {
        guard mapping.blankIsNull else {
            return Refusal(
                code: .blank,
                sentence: "has no value; give one, or map the column with blank: \"null\""
            )
        }
        appendNull()
        return nil
    }

    /// Adds NULL.
    mutating func appendNull() {
        buffers.setZero(rows)
        if action == .text { texts.append("") }
        buffers.valid[rows] = false
        hasNull = true
        rows += 1
    }

    /// Adds a number or NULL.
    @inline(__always)
    mutating func append(integer: Int64?) {
        guard let integer else { return appendNull() }
        buffers.integers[rows] = integer
        close()
    }

    /// Adds a day or NULL.
    mutating func append(day: Int32?) {
        guard let day else { return appendNull() }
        buffers.days[rows] = day
        close()
    }

    /// Takes the last row back.
    mutating func removeLast() {
        rows -= 1
        if action == .text { texts.removeLast() }
    }

    /// The rows gathered so far; gathering starts anew.
    mutating func take() -> ColumnData {
        defer { (texts, hasNull, rows) = (TextColumn(), false, 0) }
        let validity = hasNull ? buffers.validity(rows) : nil
        return ColumnData(action == .text ? .texts(texts) : buffers.values(rows), validity: validity)
    }

    @inline(__always)
    private mutating func close() {
        buffers.valid[rows] = true
        rows += 1
    }

    // MARK: Values

    @inline(__always)
    private static func trimmed(_ raw: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (0, raw.count)
        while start < end, raw[start] == 0x20 || raw[start] == 0x09 { start += 1 }
        while end > start, raw[end - 1] == 0x20 || raw[end - 1] == 0x09 { end -= 1 }
        return end - start == raw.count ? raw : UnsafeBufferPointer(rebasing: raw[start..<end])
    }

    private mutating func append(trimmed text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if text.isEmpty || nulls?.position(text) != nil { return appendBlank() }
        switch action {
        case .flag: return appendFlag(text)
        case .number: return appendNumber(text)
        case .day, .month: return appendDay(text)
        case .time: return appendTime(text)
        case .enumeration: return appendEnumeration(text)
        case .text: return appendText(text)
        case .idNumber: return appendID(text)
        case .idText: return appendTextID(text)
        case .msisdn: return appendMSISDN(text)
        case .imsi: return appendIMSI(text)
        }
    }

    private mutating func appendFlag(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if text.count == 1, text[0] == UInt8(ascii: "0") || text[0] == UInt8(ascii: "1") {
            buffers.flags[rows] = text[0] == UInt8(ascii: "1")
            close()
            return nil
        }
        switch String(decoding: text, as: UTF8.self).lowercased() {
        case "true": buffers.flags[rows] = true
        case "false": buffers.flags[rows] = false
        default:
            return Refusal(
                code: .notAFlag,
                sentence: "is no flag; write true, false, 1 or 0, or translate it under 'values'"
            )
        }
        close()
        return nil
    }

    private mutating func appendNumber(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        var value: Int64 = 0
        var position = 0
        var digits = 0
        var fraction = -1  // digits after the point; -1 before it
        var roundsUp = false
        let isNegative = text[0] == UInt8(ascii: "-")
        if isNegative || text[0] == UInt8(ascii: "+") { position = 1 }
        while position < text.count {
            let byte = text[position]
            position += 1
            let digit = byte &- 0x30
            if digit > 9 {
                if byte == mapping.point, fraction < 0, digits > 0 {
                    fraction = 0
                } else if byte != mapping.group || fraction >= 0 || digits == 0 {
                    return notANumber
                }
                continue
            }
            digits += 1
            if fraction >= scale {
                if digit != 0, !mapping.rounds { return tooPrecise }
                if fraction == scale, mapping.rounds { roundsUp = digit >= 5 }
                fraction += 1
                continue
            }
            if fraction >= 0 { fraction += 1 }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge2) = product.addingReportingOverflow(Int64(digit))
            if tooLarge || tooLarge2 { return outOfRange }
            value = sum
        }
        guard digits > 0, fraction != 0 else { return notANumber }
        let missing = scale - min(max(fraction, 0), scale)
        let (product, tooLarge) = value.multipliedReportingOverflow(by: Scaled.powerOfTen(missing))
        let (rounded, tooLarge2) = product.addingReportingOverflow(roundsUp ? 1 : 0)
        if tooLarge || tooLarge2 { return outOfRange }
        let number = isNegative ? -rounded : rounded
        guard range.contains(number) else { return outOfRange }
        buffers.integers[rows] = number
        close()
        return nil
    }

    private var notANumber: Refusal {
        Refusal(code: .notANumber, sentence: "is no \(scale == 0 ? "whole number" : "decimal number")")
    }

    private var tooPrecise: Refusal {
        let what = scale == 0 ? "is no whole number" : "has more than \(scale) digits after the point"
        return Refusal(code: .tooPrecise, sentence: scale == 0 ? what : what + "; set round: true to round it")
    }

    private var outOfRange: Refusal {
        let least = Scaled(unscaled: range.lowerBound, scale: scale)
        let greatest = Scaled(unscaled: range.upperBound, scale: scale)
        return Refusal(code: .outOfRange, sentence: "is outside \(least) ... \(greatest)")
    }

    private mutating func appendDay(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        guard let moment = mapping.pattern.parse(text) else {
            let what = action == .month ? "month" : "day"
            return Refusal(code: .notADay, sentence: "is no \(what) of the pattern \(mapping.pattern)")
        }
        guard range.contains(Int64(moment.day.number)) else {
            let least = LocalDay(number: Int32(clamping: range.lowerBound)).iso
            let greatest = LocalDay(number: Int32(clamping: range.upperBound)).iso
            return Refusal(code: .outOfRange, sentence: "is outside \(least) ... \(greatest)")
        }
        buffers.days[rows] = action == .month ? moment.day.month.firstDay.number : moment.day.number
        close()
        return nil
    }

    private mutating func appendTime(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        guard let moment = mapping.pattern.parse(text, allowsOffset: true) else {
            return Refusal(code: .notATime, sentence: "is no time of the pattern \(mapping.pattern)")
        }
        let local = Int64(moment.day.number) * 86_400 + Int64(moment.second)
        buffers.integers[rows] = (local - Int64(moment.offsetSeconds ?? utcOffsetSeconds)) * 1_000_000
        close()
        return nil
    }

    private mutating func appendEnumeration(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if let position = domain?.position(text) { return append(domainPosition: position) }
        switch NFC.check(text) {
        case .invalid(let offset): return Self.badEncoding(offset)
        case .unknown:
            var normal = String(decoding: text, as: UTF8.self).nfc
            if let position = normal.withUTF8({ domain?.position($0) }) { return append(domainPosition: position) }
        case .normal: break
        }
        guard case .attribute(let attribute) = mapping.kind else { return nil }
        let values = attribute.domain.map(\.value)
        let near = NearName.of(String(decoding: text, as: UTF8.self), among: values)
        let advice = near.map { "did you mean '\($0)'?" } ?? "add it to the catalogue or translate it under 'values'"
        return Refusal(code: .notInDomain, sentence: "is not in the domain of \(attribute.code); \(advice)")
    }

    @inline(__always)
    private mutating func append(domainPosition position: Int) -> Refusal? {
        buffers.days[rows] = Int32(truncatingIfNeeded: position)
        close()
        return nil
    }

    private mutating func appendText(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        switch NFC.check(text) {
        case .normal: texts.append(utf8: text)
        case .unknown: texts.append(String(decoding: text, as: UTF8.self).nfc)
        case .invalid(let offset): return Self.badEncoding(offset)
        }
        close()
        return nil
    }

    private static func badEncoding(_ offset: Int) -> Refusal {
        Refusal(
            code: .badEncoding,
            sentence: "has a byte that is no text in the file's encoding, byte \(offset + 1) of it"
        )
    }

    // MARK: Ids

    /// The number that 1 to 18 digits give; nil for zero and for anything else.
    private static func positive(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count <= 18 else { return nil }
        var value: Int64 = 0
        for byte in text {
            guard byte &- 0x30 <= 9 else { return nil }
            value = value * 10 + Int64(byte & 0x0F)
        }
        return value > 0 ? value : nil
    }

    private mutating func appendID(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        guard let number = Self.positive(text) else {
            var code = RejectCode.badID
            if case .lineID = mapping.kind { code = .badLineID }
            return Refusal(
                code: code,
                sentence:
                    "is no positive number of at most 18 digits; for ids with letters map the column with form: text"
            )
        }
        append(integer: number)
        return nil
    }

    private mutating func appendTextID(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        withNormalText(text) { reader, text in
            guard let number = reader.textIDs.number(text) else {
                let sentence = "has the same number as another id of this file; give numeric ids"
                return Refusal(code: .idCollision, sentence: sentence)
            }
            reader.append(integer: number)
            return nil
        }
    }

    private mutating func withNormalText(
        _ text: UnsafeBufferPointer<UInt8>,
        _ body: (inout ValueReader, UnsafeBufferPointer<UInt8>) -> Refusal?
    ) -> Refusal? {
        switch NFC.check(text) {
        case .normal: return body(&self, text)
        case .invalid(let offset): return Self.badEncoding(offset)
        case .unknown:
            var normal = String(decoding: text, as: UTF8.self).nfc
            return normal.withUTF8 { body(&self, $0) }
        }
    }

    private mutating func appendMSISDN(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        // The common shape, 11 digits of a Chinese mobile number, without making a string.
        if text.count == 11, text[0] == 0x31, (0x33...0x39).contains(text[1]), let number = Self.positive(text) {
            append(integer: 8_600_000_000_000 + number)
            return nil
        }
        guard let number = MSISDN(normalising: String(decoding: text, as: UTF8.self)) else {
            return Refusal(
                code: .badMSISDN,
                sentence: "is no mobile number; write 11 digits, or an international number with + or 00"
            )
        }
        append(integer: number.number)
        return nil
    }

    private mutating func appendIMSI(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        guard (14...15).contains(text.count), let number = Self.positive(text) else {
            return Refusal(code: .badIMSI, sentence: "is no IMSI; it has 14 or 15 digits")
        }
        append(integer: number)
        return nil
    }
}
