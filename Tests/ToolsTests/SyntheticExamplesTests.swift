// The files in Examples/ fit the generator, the catalogue format and each other.
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import Kernel
import Model
import Ports
import Synthetic
import Testing

@Suite struct SyntheticExamplesTests {
    private func catalogue(_ folder: String) throws -> AttributeCatalogue {
        try CatalogueFile.read(path: Example.folder.appending(path: "\(folder)/catalogue.yaml").path)
    }

    @Test func `the operator's catalogue has the 40 hot attributes of the memory bench`() throws {
        let catalogue = try catalogue("operator")
        let hot = catalogue.attributes.filter(\.isHot)
        func count(_ types: [AttributeType]) -> Int { hot.count { types.contains($0.type) } }
        #expect(hot.count == 40)
        #expect(count([.enumeration]) == 10)
        #expect(count([.integer] + (1...9).map { .decimal(scale: $0) }) == 12)
        #expect(count([.day]) == 6)
        #expect(count([.flag]) == 12)
    }

    @Test func `the generator's columns are the catalogue's attributes, and its values fit them`() throws {
        let catalogue = try catalogue("operator")
        let world = try Example.world(20_000)
        let fields = world.fields(of: .subscriber)
        #expect(fields.prefix(7).map(\.name) == CatalogueFile.fixedColumns)
        #expect(
            Array(fields.dropFirst(7)) == catalogue.attributes.map { WarehouseField($0.code, $0.type.warehouseType) }
        )
        let table = try Example.subscribers.get()
        for attribute in catalogue.attributes {
            switch attribute.type {
            case .enumeration:
                let nulls = try table.nulls(attribute.code)
                let used = Set(zip(try table.texts(attribute.code), nulls).filter { !$0.1 }.map(\.0))
                #expect(used.isSubset(of: attribute.domain.map(\.value)), "\(attribute.code)")
                #expect(used.count > 1, "\(attribute.code)")
            case .integer, .decimal:
                let range = try #require(attribute.range, "\(attribute.code)")
                #expect(try table.integers(attribute.code).allSatisfy(range.contains), "\(attribute.code)")
            case .flag, .day, .text: break
            }
        }
    }

    @Test func `the mapping of the generated subscriber file names every column`() throws {
        let catalogue = try catalogue("operator")
        let path = Example.folder.appending(path: "operator/mapping.yaml").path
        let mapping = try MappingFile.read(path: path, catalogue: catalogue)
        let generated = try Example.world(1).fields(of: .subscriber).map(\.name).filter { $0 != "idx" }
        #expect(mapping.fileColumns == generated)
    }

    @Test func `the real table is as published, with identities that the generator's numbers agree with`() throws {
        let lines = try Example.text("telco-churn/customers.csv").split(separator: "\n")
        #expect(lines.count == 7_044)
        let header = lines[0].split(separator: ",").map(String.init)
        let rows = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        #expect(rows.allSatisfy { $0.count == header.count })
        func column(_ name: String) throws -> [String] {
            let position = try #require(header.firstIndex(of: name))
            return rows.map { $0[position] }
        }
        let plan = try Example.numbers()
        #expect(Set(try column("generated_line_id").compactMap { LineID(parsing: $0) }).count == 7_043)
        let numbers = try column("generated_msisdn").compactMap { MSISDN(normalising: $0) }
        #expect(Set(numbers).count == 7_043)
        #expect(try numbers.map { plan.cityCode(of: $0).map(String.init) } == column("generated_city"))
        let target = zip(try column("contract"), try column("monthly_charges")).filter { contract, charges in
            let cents = Scaled(parsing: charges)?.rescaled(to: 2)?.unscaled ?? 0
            return contract == "Month-to-month" && cents >= 7_000
        }
        #expect(target.count == 2_104)
        #expect(try column("churn").count { $0 == "Yes" } == 1_869)
        #expect(try column("total_charges").count { $0 == "NA" } == 11)
    }

    @Test func `catalogue and mapping of the real table fit its columns and values`() throws {
        let catalogue = try catalogue("telco-churn")
        #expect(catalogue["churn"]?.isHot == false)
        #expect(catalogue["churn"]?.group == "outcome")
        let path = Example.folder.appending(path: "telco-churn/mapping.yaml").path
        let mapping = try MappingFile.read(path: path, catalogue: catalogue)
        let lines = try Example.text("telco-churn/customers.csv").split(separator: "\n")
        let header = lines[0].split(separator: ",").map(String.init)
        #expect(Set(mapping.fileColumns) == Set(header))
        for attribute in catalogue.attributes where attribute.type == .enumeration {
            let name = ["province", "city"].contains(attribute.code) ? "generated_\(attribute.code)" : attribute.code
            let position = try #require(header.firstIndex(of: name))
            let used = Set(lines.dropFirst().map { String($0.split(separator: ",")[position]) })
            #expect(used == Set(attribute.domain.map(\.value)), "\(attribute.code)")
        }
    }
}
