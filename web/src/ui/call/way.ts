import type { IceServer } from "../../engine/callApi";

/**
 * A look at the way that media would take, before a call. What can be tried without one is the detour over the server's
 * relay: its packets go the same way to the same house as the call's own.
 */

/** fast: by UDP; slow: only over TCP or TLS; none: the relay was not reached; untested: the server has no relay. */
export type Way = "fast" | "slow" | "none" | "untested";

const PATIENCE_MS = 8_000;
/** UDP needs fewer round trips than TCP: so much later it comes only where it lost packets, and then rarely. */
const UDP_AFTER_TCP_MS = 2_000;
/** Candidates that are looked at: the browser makes one or two for each address. */
const MAX_CANDIDATES = 64;

type Candidate = Pick<RTCIceCandidate, "candidate" | "type"> & { readonly relayProtocol?: string | null };

/** How the relay was reached, from a candidate; null: it is none of the relay. */
export function protocolOf(candidate: Candidate, url: string | null): "udp" | "tcp" | null {
  if (candidate.type !== "relay") return null;
  const named =
    candidate.relayProtocol ?? (url !== null && /^turns:|transport=tcp/i.test(url) ? "tcp" : "udp");
  return named === "udp" ? "udp" : "tcp";
}

export async function testWay(servers: readonly IceServer[]): Promise<Way> {
  if (servers.length === 0) return "untested";
  const iceServers = servers.map(({ urls, ...rest }) => ({ ...rest, urls: [...urls] }));
  const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  try {
    const found = gathered(peer);
    peer.createDataChannel("");
    await peer.setLocalDescription();
    return await found;
  } finally {
    peer.close();
  }
}

/** What the candidates of a connection come to. */
export function gathered(peer: Pick<RTCPeerConnection, "addEventListener">): Promise<Way> {
  return new Promise((done) => {
    let way: Way = "none";
    let left = MAX_CANDIDATES;
    let timer = setTimeout(() => done(way), PATIENCE_MS);
    peer.addEventListener("icecandidate", (event) => {
      const { candidate } = event;
      const protocol = candidate && protocolOf(candidate, (event as { url?: string | null }).url ?? null);
      if (protocol === "tcp" && way === "none") {
        way = "slow";
        clearTimeout(timer);
        timer = setTimeout(() => done(way), UDP_AFTER_TCP_MS);
      }
      left -= 1;
      if (protocol !== "udp" && candidate !== null && left > 0) return;
      clearTimeout(timer);
      done(protocol === "udp" ? "fast" : way);
    });
  });
}
