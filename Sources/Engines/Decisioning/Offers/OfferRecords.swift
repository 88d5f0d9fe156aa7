// Requests of single subscribers, what they were answered, and what came of it: the content of log records.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A question for one subscriber: which offers, here and now (DESIGN section 4, "Request").
public struct OfferRequest: Hashable, Sendable {
    /// Names the interaction; the same number gets the same answer.
    public var request: UInt64
    /// The subscriber.
    public var index: UInt32
    /// Where the offers would be made.
    public var touchpoint: Touchpoint
    /// Event or inbound.
    public var entrance: Entrance
    /// When.
    public var at: LocalTime
    /// Most offers wanted, 1...8.
    public var limit: UInt8
    /// The only campaigns asked for; empty = the whole pool.
    public var campaigns: [CampaignID]

    /// Makes a request; see the properties.
    public init(
        request: UInt64,
        index: UInt32,
        touchpoint: Touchpoint,
        entrance: Entrance,
        at: LocalTime,
        limit: UInt8,
        campaigns: [CampaignID] = []
    ) {
        self.request = request
        self.index = index
        self.touchpoint = touchpoint
        self.entrance = entrance
        self.at = at
        self.limit = limit
        self.campaigns = campaigns
    }
}

/// What a request was answered; the contacts it makes are reserved from here on.
public struct OfferAnswer: Hashable, Sendable {
    /// The question.
    public var request: OfferRequest
    /// The offers, best first; empty when nothing may be offered.
    public var offers: [CampaignID]
    /// Campaigns whose control group the subscriber is in: they would have been offered.
    public var controls: [CampaignID]
    /// The end of the quiet hours the request fell in; nil = at once.
    public var notBefore: LocalTime?

    /// Makes an answer; see the properties.
    public init(
        request: OfferRequest,
        offers: [CampaignID],
        controls: [CampaignID] = [],
        notBefore: LocalTime? = nil
    ) {
        self.request = request
        self.offers = offers
        self.controls = controls
        self.notBefore = notBefore
    }
}

/// What came of offers in an answer.
public struct OfferResponse: Hashable, Sendable {
    /// The request that was answered.
    public var request: UInt64
    /// The subscriber, which names the partition.
    public var index: UInt32
    /// The offer; nil = all of the answer.
    public var campaign: CampaignID?
    /// What came of it.
    public var result: ContactResult
    /// When.
    public var at: LocalTime
    /// For ``ContactResult/later``: the day from which the offer may be made again.
    public var until: LocalDay?

    /// Makes a response; see the properties.
    public init(
        request: UInt64,
        index: UInt32,
        campaign: CampaignID?,
        result: ContactResult,
        at: LocalTime,
        until: LocalDay? = nil
    ) {
        self.request = request
        self.index = index
        self.campaign = campaign
        self.result = result
        self.at = at
        self.until = until
    }
}

/// An answer whose offers were not shown in time: what it reserved is given back.
public struct OfferLapse: Hashable, Sendable {
    /// The request that was answered.
    public var request: UInt64
    /// The subscriber, which names the partition.
    public var index: UInt32

    /// Joins request and subscriber.
    public init(request: UInt64, index: UInt32) {
        self.request = request
        self.index = index
    }
}

// MARK: Coding

extension ByteWriter {
    mutating func write(_ answer: OfferAnswer) {
        let request = answer.request
        write(request.request)
        write(request.index)
        write(request.touchpoint.rawValue)
        write(request.entrance.rawValue)
        write(request.at)
        write(request.limit)
        write(campaigns: request.campaigns)
        write(campaigns: answer.offers)
        write(campaigns: answer.controls)
        write(UInt8(answer.notBefore == nil ? 0 : 1))
        if let notBefore = answer.notBefore { write(notBefore) }
    }

    mutating func write(_ response: OfferResponse) {
        write(response.request)
        write(response.index)
        write(response.campaign?.number ?? 0)
        write(response.result.rawValue)
        write(response.at)
        write(response.until?.number ?? .min)
    }

    private mutating func write(campaigns: [CampaignID]) {
        write(UInt16(campaigns.count))
        for campaign in campaigns { write(campaign.number) }
    }
}

extension ByteReader {
    mutating func readAnswer() throws(MalformedBytes) -> OfferAnswer {
        let request = OfferRequest(
            request: try read(),
            index: try read(),
            touchpoint: try readRaw(Touchpoint.self, "a touchpoint"),
            entrance: try readRaw(Entrance.self, "an entrance"),
            at: try readTime(),
            limit: try read(),
            campaigns: try readCampaigns()
        )
        return OfferAnswer(
            request: request,
            offers: try readCampaigns(),
            controls: try readCampaigns(),
            notBefore: try read(UInt8.self) == 0 ? nil : try readTime()
        )
    }

    mutating func readResponse() throws(MalformedBytes) -> OfferResponse {
        let (request, index): (UInt64, UInt32) = (try read(), try read())
        let campaign: Int64 = try read()
        let result = try readRaw(ContactResult.self, "a contact result")
        let at = try readTime()
        let until: Int32 = try read()
        return OfferResponse(
            request: request,
            index: index,
            campaign: campaign == 0 ? nil : CampaignID(campaign),
            result: result,
            at: at,
            until: until == .min ? nil : LocalDay(number: until)
        )
    }

    private mutating func readCampaigns() throws(MalformedBytes) -> [CampaignID] {
        var campaigns: [CampaignID] = []
        for _ in 0..<(try read(UInt16.self)) { campaigns.append(CampaignID(try read())) }
        return campaigns
    }
}
