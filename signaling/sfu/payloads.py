"""The payload types of RTP, and their codecs. The unit offers, so they are the same for everybody."""

OPUS = 111
VP8 = 96
RTX = 97  # RFC 4588: of VP8

AUDIO_CLOCK = 48_000
VIDEO_CLOCK = 90_000

# What the lines of a section say after its payload types. Whatever a browser answers beyond it is refused.
AUDIO_LINES = (
    f"a=rtpmap:{OPUS} opus/{AUDIO_CLOCK}/2",
    f"a=fmtp:{OPUS} minptime=10;useinbandfec=1;usedtx=1",
    f"a=rtcp-fb:{OPUS} transport-cc",
)
VIDEO_LINES = (
    f"a=rtpmap:{VP8} VP8/{VIDEO_CLOCK}",
    f"a=rtcp-fb:{VP8} transport-cc",
    f"a=rtcp-fb:{VP8} ccm fir",
    f"a=rtcp-fb:{VP8} nack",
    f"a=rtcp-fb:{VP8} nack pli",
    f"a=rtpmap:{RTX} rtx/{VIDEO_CLOCK}",
    f"a=fmtp:{RTX} apt={VP8}",
)
