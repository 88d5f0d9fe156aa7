// Telephone numbers as people and files write them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Testing

@Suite struct NumberTests {
    @Test(arguments: [
        ("13800138000", 8_613_800_138_000), ("+8613800138000", 8_613_800_138_000),
        ("8613800138000", 8_613_800_138_000), ("008613800138000", 8_613_800_138_000),
        (" 138-0013 8000 ", 8_613_800_138_000), ("+86 138 0013 8000", 8_613_800_138_000),
        ("19912345678", 8_619_912_345_678), ("+85291234567", 85_291_234_567), ("0085291234567", 85_291_234_567),
        ("+12025550123", 12_025_550_123), ("+123456789012345", 123_456_789_012_345), ("+12345678", 12_345_678),
    ])
    func `a number that can be called is read however it is written`(_ text: String, _ number: Int64) {
        #expect(MSISDN(normalising: text)?.number == number)
        #expect(MSISDN(normalising: Substring("x\(text)").dropFirst())?.number == number)
    }

    @Test(arguments: [
        "", "+", "1", "1380013800", "138001380000", "12800138000", "8612800138000", "+8612800138000", "86138001380000",
        "23800138000", "+1234567", "+1234567890123456", "+0085291234567", "000085291234567", "85291234567",
        "00008613800138000", "1.38001E+10", "138001380OO", "138+00138000", "１３８００１３８０００",
        String(repeating: "0", count: 200), "9223372036854775808",
    ])
    func `what is no such number is refused`(_ text: String) {
        #expect(MSISDN(normalising: text) == nil)
    }
}
