// The console's texts are complete in both languages.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Texts

@testable import Console

struct ConsoleTextsTests {
    @Test func `every text has both languages and the same arguments in each`() {
        for text in ConsoleText.allCases {
            let parts = text.rawValue.components(separatedBy: " | ")
            #expect(parts.count == 2, "\(text)")
            guard parts.count == 2 else { continue }
            #expect(!parts[0].isEmpty && !parts[1].isEmpty, "\(text)")
            #expect(Self.arguments(parts[0]) == Self.arguments(parts[1]), "\(text)")
            #expect(!Self.hasChinese(parts[1].replacing("“回复TD退订”", with: "").replacing("'全球通'", with: "")), "\(text)")
            #expect(
                Self.hasChinese(parts[0]) || !parts[0].contains(where: \.isLetter),
                "\(text) is not in Chinese: \(parts[0])"
            )
        }
    }

    @Test func `arguments are put in once and never read as texts`() {
        #expect(ConsoleText.sentOf(.en, ["{1}", "9"]) == "{1} of 9 sent")
        #expect(ConsoleText.sentOf(.zh, ["3", "9"]) == "已发送 3 / 9")
    }

    @Test func `problems that people can put right have a text in both languages`() {
        for (code, text) in Frame.texts { #expect(text(.zh) != text(.en), "\(code)") }
    }

    private static func hasChinese(_ text: String) -> Bool {
        text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }

    private static func arguments(_ text: String) -> Set<String> {
        Set((0...4).map { "{\($0)}" }.filter { text.contains($0) })
    }
}
