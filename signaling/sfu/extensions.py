"""The ids of RTP header extensions (RFC 8285). The unit offers, so they are the same for everybody."""

MID = 1  # RFC 9143: the section that a packet belongs to
RID = 2  # RFC 8852: the layer of a simulcast
REPAIRED_RID = 3  # RFC 8852: the layer that a retransmission repairs
TRANSPORT_WIDE_CC = 4  # draft-holmer-rmcat-transport-wide-cc-extensions-01: counts packets of the whole path
AUDIO_LEVEL = 5  # RFC 6464: how loud, and whether it is speech

URIS = {
    MID: "urn:ietf:params:rtp-hdrext:sdes:mid",
    RID: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    REPAIRED_RID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    TRANSPORT_WIDE_CC: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    AUDIO_LEVEL: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
}
AUDIO_EXTENSIONS = (MID, TRANSPORT_WIDE_CC, AUDIO_LEVEL)
# A simulcast names its layers in every packet; towards a participant there is one layer and no name.
SIMULCAST_EXTENSIONS = (MID, RID, REPAIRED_RID, TRANSPORT_WIDE_CC)
VIDEO_EXTENSIONS = (MID, TRANSPORT_WIDE_CC)
