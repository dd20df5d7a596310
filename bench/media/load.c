/* The hot path of the media load: what many clients send in time, and what becomes of what they get.

   Connections come ready: a socket that is connected, keys of SRTP, a check of ICE to send again. The rest is
   here: pacing, SRTP by libsrtp, transport-wide feedback, reports (RFC 3550 §6), key frames when they are asked
   for. Each RTP payload ends with a stamp: whose it is, and when it was sent. The time of arrival is the
   kernel's (SO_TIMESTAMPNS), so what the loader itself takes to read is not counted as delay.

   One thread calls everything; the figures may be read from another while `load_run` runs. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_SESSIONS = 512,
  MAX_STREAMS = 2,
  MAX_SOURCES = 32, /* whose packets one session gets */
  MAX_NOTED = 256,  /* arrivals that one feedback tells of */
  MAX_SPAN = 512,   /* numbers that it speaks of */
  BATCH = 32,
  PACKET = 2048,
  MAX_PAYLOAD = 1400,
  MAX_CHECK = 256,
  BUCKETS = 100000, /* of 10 us */
  BUCKET_NS = 10000,
  PER_FRAME = 4, /* packets of one picture: 80 in a second are 20 pictures */
  MAGIC = 0x434c4c47,
  STAMP = 16, /* bytes at the end of each payload */
  SOCKET_BUFFER = 4 << 20,
};

static const int64_t SECOND = 1000000000;
static const int64_t FEEDBACK_NS = 100000000; /* as browsers do at first; they do it more often at high rates */
static const int64_t REPORT_NS = 1000000000;
static const int64_t CHECK_NS = 2500000000; /* RFC 7675: Chromium asks so often */
static const int64_t TICK_NS = 250000;      /* of transport-wide feedback */
static const uint64_t NTP_1970 = 2208988800;

enum { OPUS = 111, VP8 = 96, RTX = 97 };
enum { MID = 1, WIDE = 4, LEVEL = 5 }; /* ids of header extensions, as our offers have them */

typedef struct {
  uint32_t ssrc;
  uint32_t timestamp, step;
  uint32_t packets, octets;
  int64_t period, due;
  int bytes; /* of the payload */
  int receivers;
  uint16_t sequence, picture;
  uint8_t payload_type, mid, tl0, in_frame;
  bool video, key, key_wanted;
} Stream;

typedef struct {
  uint32_t ssrc;
  uint32_t highest; /* with its cycles */
  uint32_t first;
  uint32_t packets;
  uint32_t last_report; /* middle bits of its NTP time */
  int64_t reported_at;
} Source;

typedef struct {
  bool used;
  int fd;
  srtp_t out, in;
  Stream streams[MAX_STREAMS];
  int stream_count;
  Source sources[MAX_SOURCES];
  int source_count;
  uint32_t ssrc; /* of its own reports */
  uint16_t wide; /* the last transport-wide number that it sent */
  int wide_id;   /* of what it gets; 0: there is none */
  bool wide_known;
  uint16_t wide_next;
  uint8_t feedback_number;
  int noted_count;
  struct {
    uint16_t number;
    int64_t tick;
  } noted[MAX_NOTED];
  int64_t feedback_due, report_due, check_due;
  uint8_t check[MAX_CHECK];
  int check_length;
} Session;

/* What Python reads. Those of the window are by the stamp: sent within it, whenever they came. */
typedef struct {
  int64_t sent, unsent, arrived, repairs, padding, rtcp, refused, nacks, keys;
  int64_t window_begin, window_end;
  int64_t window_sent, window_expected, window_arrived;
  int64_t delays[BUCKETS + 1];
  int64_t lateness[BUCKETS + 1];
} Figures;

typedef struct {
  int epoll;
  int top; /* behind the last place that was ever in use */
  Session sessions[MAX_SESSIONS];
  Figures figures;
  uint8_t filling[MAX_PAYLOAD];
} Load;

static int64_t now_of(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return at.tv_sec * SECOND + at.tv_nsec;
}

static void put16(uint8_t *at, uint16_t value) {
  value = htons(value);
  memcpy(at, &value, 2);
}

static void put32(uint8_t *at, uint32_t value) {
  value = htonl(value);
  memcpy(at, &value, 4);
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void count(int64_t *buckets, int64_t nanoseconds) {
  int64_t bucket = nanoseconds < 0 ? 0 : nanoseconds / BUCKET_NS;
  buckets[bucket < BUCKETS ? bucket : BUCKETS]++;
}

/* What Python calls */

Load *load_new(void) {
  static bool started = false;
  if (!started && srtp_init() != srtp_err_status_ok) return NULL;
  started = true;
  Load *load = calloc(1, sizeof *load);
  if (load == NULL) return NULL;
  load->epoll = epoll_create1(EPOLL_CLOEXEC);
  uint32_t random = 12345;
  for (int i = 0; i < MAX_PAYLOAD; i++) load->filling[i] = (uint8_t)((random = random * 1103515245 + 12345) >> 16);
  return load;
}

void load_end(Load *load) {
  close(load->epoll);
  free(load);
}

Figures *load_figures(Load *load) { return &load->figures; }

static srtp_t srtp_of(int profile, unsigned char *key, srtp_ssrc_type_t of) {
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile) ||
      srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile))
    return NULL;
  policy.ssrc.type = of;
  policy.key = key;
  policy.window_size = 1024;
  srtp_t made;
  return srtp_create(&made, &policy) == srtp_err_status_ok ? made : NULL;
}

/* Gives the session's place, or -1. */
int load_add(Load *load, int fd, int profile, unsigned char *sends, unsigned char *reads, uint32_t ssrc, int wide_id,
             const uint8_t *check, int check_length) {
  int place = 0;
  while (place < MAX_SESSIONS && load->sessions[place].used) place++;
  if (place == MAX_SESSIONS || check_length > MAX_CHECK) return -1;
  Session *session = &load->sessions[place];
  memset(session, 0, sizeof *session);
  session->fd = fd;
  session->out = srtp_of(profile, sends, ssrc_any_outbound);
  session->in = srtp_of(profile, reads, ssrc_any_inbound);
  if (session->out == NULL || session->in == NULL) return -1;
  session->ssrc = ssrc;
  session->wide_id = wide_id;
  memcpy(session->check, check, (size_t)check_length);
  session->check_length = check_length;
  int on = 1, size = SOCKET_BUFFER;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  /* Nobody does what is due in step with the others. */
  int64_t now = now_of(CLOCK_MONOTONIC), phase = (place * 7919 % 1000) * 1000000LL;
  session->check_due = now + phase;
  session->report_due = now + phase;
  session->feedback_due = now + phase % FEEDBACK_NS;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
  if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) != 0) return -1;
  session->used = true;
  if (place >= load->top) load->top = place + 1;
  return place;
}

int load_stream(Load *load, int place, bool video, uint8_t mid, uint32_t ssrc, int per_second, int bytes,
                int receivers) {
  Session *session = &load->sessions[place];
  int least = STAMP + 8;
  if (session->stream_count == MAX_STREAMS || bytes < least || bytes > MAX_PAYLOAD) return -1;
  int number = session->stream_count++;
  Stream *stream = &session->streams[number];
  stream->video = video;
  stream->mid = mid;
  stream->ssrc = ssrc;
  stream->payload_type = video ? VP8 : OPUS;
  stream->period = SECOND / per_second;
  stream->step = (uint32_t)(video ? 90000 / (per_second / PER_FRAME) : 48000 / per_second);
  stream->bytes = bytes;
  stream->receivers = receivers;
  stream->key_wanted = true;
  stream->due = now_of(CLOCK_MONOTONIC) + (place * 2 + number) * 7919003LL % stream->period;
  return 0;
}

void load_remove(Load *load, int place) {
  Session *session = &load->sessions[place];
  epoll_ctl(load->epoll, EPOLL_CTL_DEL, session->fd, NULL);
  srtp_dealloc(session->out);
  srtp_dealloc(session->in);
  session->used = false;
}

/* From now on for so long, the figures of the window begin anew. */
void load_window(Load *load, int64_t nanoseconds) {
  Figures *figures = &load->figures;
  figures->window_sent = figures->window_expected = figures->window_arrived = 0;
  memset(figures->delays, 0, sizeof figures->delays);
  memset(figures->lateness, 0, sizeof figures->lateness);
  int64_t now = now_of(CLOCK_REALTIME);
  figures->window_end = now + nanoseconds;
  figures->window_begin = now;
}

/* Sending */

static void transmit(Load *load, Session *session, const uint8_t *packet, int length) {
  if (send(session->fd, packet, (size_t)length, MSG_DONTWAIT) != length) load->figures.unsent++;
}

static void send_media(Load *load, Session *session, Stream *stream, int64_t late) {
  uint8_t packet[PACKET];
  bool starts = stream->video && stream->in_frame == 0, ends = !stream->video || stream->in_frame == PER_FRAME - 1;
  if (starts) {
    stream->key = stream->key_wanted;
    load->figures.keys += stream->key;
    stream->key_wanted = false;
  }
  packet[0] = 0x90;
  packet[1] = (uint8_t)(stream->payload_type | (ends && stream->video ? 0x80 : 0));
  put16(packet + 2, stream->sequence++);
  put32(packet + 4, stream->timestamp);
  put32(packet + 8, stream->ssrc);
  put32(packet + 12, 0xBEDE0002);
  packet[16] = MID << 4;
  packet[17] = stream->mid;
  packet[18] = WIDE << 4 | 1;
  put16(packet + 19, ++session->wide);
  packet[21] = stream->video ? 0 : LEVEL << 4;
  packet[22] = stream->video ? 0 : 0x80 | 40;
  packet[23] = 0;
  uint8_t *payload = packet + 24;
  memcpy(payload, load->filling, (size_t)stream->bytes);
  if (stream->video) { /* RFC 7741 §4.2: picture id of 15 bits, TL0PICIDX, TID; then the frame's first byte */
    payload[0] = 0x80 | (starts ? 0x10 : 0);
    payload[1] = 0xE0;
    put16(payload + 2, stream->picture | 0x8000);
    payload[4] = stream->tl0;
    payload[5] = 0;
    if (starts) payload[6] = stream->key ? 0x10 : 0x11;
  }
  int64_t sent = now_of(CLOCK_REALTIME);
  uint8_t *stamp = payload + stream->bytes - STAMP;
  put32(stamp, MAGIC);
  put32(stamp + 4, stream->ssrc);
  memcpy(stamp + 8, &sent, 8);
  int length = 24 + stream->bytes;
  if (ends) {
    stream->timestamp += stream->step;
    stream->in_frame = 0;
    stream->picture = (stream->picture + 1) & 0x7FFF;
    stream->tl0++;
  } else {
    stream->in_frame++;
  }
  stream->packets++;
  stream->octets += (uint32_t)stream->bytes;
  Figures *figures = &load->figures;
  figures->sent++;
  if (sent >= figures->window_begin && sent < figures->window_end) {
    figures->window_sent++;
    figures->window_expected += stream->receivers;
    count(figures->lateness, late);
  }
  if (srtp_protect(session->out, packet, &length) == srtp_err_status_ok) transmit(load, session, packet, length);
}

static void send_rtcp(Load *load, Session *session, uint8_t *packet, int length) {
  if (srtp_protect_rtcp(session->out, packet, &length) == srtp_err_status_ok)
    transmit(load, session, packet, length);
}

/* draft-holmer-rmcat-transport-wide-cc-extensions-01, with two bits for each packet. */
static void send_feedback(Load *load, Session *session) {
  static int64_t ticks[MAX_SPAN];
  uint8_t packet[PACKET];
  if (session->noted_count == 0) return;
  uint16_t base = session->wide_next;
  int span = 0;
  memset(ticks, 0xff, sizeof ticks);
  for (int i = 0; i < session->noted_count; i++) {
    int place = (uint16_t)(session->noted[i].number - base);
    if (place >= MAX_SPAN) continue; /* it came after its feedback */
    ticks[place] = session->noted[i].tick;
    if (place >= span) span = place + 1;
  }
  session->noted_count = 0;
  if (span == 0) return;
  session->wide_next = (uint16_t)(base + span);
  int64_t last = -1;
  for (int i = 0; i < span && last < 0; i++) last = ticks[i];
  last = last / 256 * 256;
  put32(packet + 4, session->ssrc);
  put32(packet + 8, session->source_count ? session->sources[0].ssrc : 0);
  put16(packet + 12, base);
  put16(packet + 14, (uint16_t)span);
  put32(packet + 16, (uint32_t)(last / 256 & 0xFFFFFF) << 8 | session->feedback_number++);
  uint8_t *chunk = packet + 20, *delta = chunk + (span + 6) / 7 * 2;
  uint16_t bits = 0;
  for (int i = 0; i < (span + 6) / 7 * 7; i++) {
    unsigned symbol = 0;
    if (i < span && ticks[i] >= 0) {
      int64_t since = ticks[i] - last;
      last = ticks[i];
      if (since >= 0 && since < 256) {
        symbol = 1;
        *delta++ = (uint8_t)since;
      } else {
        symbol = 2;
        put16(delta, (uint16_t)(int16_t)since);
        delta += 2;
      }
    }
    bits = (uint16_t)(bits << 2 | symbol);
    if (i % 7 == 6) {
      put16(chunk, 0xC000 | (bits & 0x3FFF));
      chunk += 2;
      bits = 0;
    }
  }
  while ((delta - packet) % 4) *delta++ = 0;
  int length = (int)(delta - packet);
  packet[0] = 0x8F;
  packet[1] = 205;
  put16(packet + 2, (uint16_t)(length / 4 - 1));
  send_rtcp(load, session, packet, length);
}

/* A sender report of each stream, one receiver report of all sources, and a name. */
static void send_reports(Load *load, Session *session) {
  uint8_t packet[PACKET], *at = packet;
  int64_t now = now_of(CLOCK_REALTIME);
  uint32_t fraction = (uint32_t)(((uint64_t)(now % SECOND) << 32) / (uint64_t)SECOND);
  for (int i = 0; i < session->stream_count; i++, at += 28) {
    Stream *stream = &session->streams[i];
    at[0] = 0x80;
    at[1] = 200;
    put16(at + 2, 6);
    put32(at + 4, stream->ssrc);
    put32(at + 8, (uint32_t)((uint64_t)(now / SECOND) + NTP_1970));
    put32(at + 12, fraction);
    put32(at + 16, stream->timestamp);
    put32(at + 20, stream->packets);
    put32(at + 24, stream->octets);
  }
  int blocks = session->source_count < 31 ? session->source_count : 31;
  if (blocks > 0) {
    at[0] = (uint8_t)(0x80 | blocks);
    at[1] = 201;
    put16(at + 2, (uint16_t)(1 + 6 * blocks));
    put32(at + 4, session->ssrc);
    at += 8;
    for (int i = 0; i < blocks; i++, at += 24) {
      Source *source = &session->sources[i];
      int64_t lost = (int64_t)(source->highest - source->first + 1) - source->packets;
      put32(at, source->ssrc);
      put32(at + 4, (uint32_t)lost & 0xFFFFFF);
      put32(at + 8, source->highest);
      put32(at + 12, 0);
      put32(at + 16, source->last_report);
      put32(at + 20, source->last_report ? (uint32_t)((now - source->reported_at) * 65536 / SECOND) : 0);
    }
  }
  if (at == packet) return;
  at[0] = 0x81;
  at[1] = 202;
  put16(at + 2, 3);
  put32(at + 4, session->ssrc);
  memcpy(at + 8, "\1\4load\0\0", 8);
  send_rtcp(load, session, packet, (int)(at + 16 - packet));
}

/* Receiving */

static Source *source_of(Session *session, uint32_t ssrc) {
  for (int i = 0; i < session->source_count; i++)
    if (session->sources[i].ssrc == ssrc) return &session->sources[i];
  return NULL;
}

static void note_wide(Load *load, Session *session, const uint8_t *packet, int length, int64_t arrived) {
  if (!session->wide_id || !(packet[0] & 0x10) || packet[0] & 0x0F || length < 16 || get16(packet + 12) != 0xBEDE)
    return;
  int at = 16, end = 16 + 4 * get16(packet + 14);
  while (at < end && end <= length) {
    if (packet[at] == 0) {
      at++;
      continue;
    }
    if (packet[at] == (session->wide_id << 4 | 1)) {
      uint16_t number = get16(packet + at + 1);
      if (!session->wide_known) {
        session->wide_known = true;
        session->wide_next = number;
      }
      session->noted[session->noted_count].number = number;
      session->noted[session->noted_count++].tick = arrived / TICK_NS;
      if (session->noted_count == MAX_NOTED) send_feedback(load, session);
      return;
    }
    at += 2 + (packet[at] & 0x0F);
  }
}

static void take_media(Load *load, Session *session, uint8_t *packet, int length, int64_t arrived) {
  Figures *figures = &load->figures;
  note_wide(load, session, packet, length, arrived);
  if (srtp_unprotect(session->in, packet, &length) != srtp_err_status_ok) {
    figures->refused++;
    return;
  }
  if (packet[0] & 0x20) {
    figures->padding++;
    return;
  }
  if ((packet[1] & 0x7F) == RTX) {
    figures->repairs++;
    return;
  }
  const uint8_t *stamp = packet + length - STAMP;
  if (length < 12 + STAMP || get32(stamp) != MAGIC) {
    figures->refused++;
    return;
  }
  figures->arrived++;
  int64_t sent;
  memcpy(&sent, stamp + 8, 8);
  if (sent >= figures->window_begin && sent < figures->window_end) {
    figures->window_arrived++;
    count(figures->delays, arrived - sent);
  }
  uint32_t ssrc = get32(packet + 8);
  uint16_t sequence = get16(packet + 2);
  Source *source = source_of(session, ssrc);
  if (source == NULL) {
    if (session->source_count == MAX_SOURCES) return;
    source = &session->sources[session->source_count++];
    memset(source, 0, sizeof *source);
    source->ssrc = ssrc;
    source->first = source->highest = sequence;
  }
  source->packets++;
  int16_t ahead = (int16_t)(sequence - (uint16_t)source->highest);
  if (ahead > 0) source->highest += (uint32_t)ahead;
}

static void take_rtcp(Load *load, Session *session, uint8_t *packet, int length, int64_t arrived) {
  Figures *figures = &load->figures;
  if (srtp_unprotect_rtcp(session->in, packet, &length) != srtp_err_status_ok) {
    figures->refused++;
    return;
  }
  figures->rtcp++;
  for (int at = 0; at + 8 <= length;) {
    int size = 4 + 4 * get16(packet + at + 2), form = packet[at] & 0x1F, kind = packet[at + 1];
    if (at + size > length) return;
    if (kind == 200 && size >= 28) {
      Source *source = source_of(session, get32(packet + at + 4));
      if (source != NULL) {
        source->last_report = (uint32_t)get16(packet + at + 10) << 16 | get16(packet + at + 12);
        source->reported_at = arrived;
      }
    } else if (kind == 205 && form == 1) {
      figures->nacks++;
    } else if (kind == 206 && (form == 1 || form == 4)) { /* a PLI or a FIR: there is one camera */
      for (int i = 0; i < session->stream_count; i++)
        if (session->streams[i].video) session->streams[i].key_wanted = true;
    }
    at += size;
  }
}

static void receive(Load *load, Session *session) {
  static uint8_t packets[BATCH][PACKET];
  static char controls[BATCH][CMSG_SPACE(sizeof(struct timespec))];
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){packets[i], PACKET};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i];
    messages[i].msg_hdr.msg_controllen = sizeof controls[i];
  }
  int got = recvmmsg(session->fd, messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < got; i++) {
    int length = (int)messages[i].msg_len;
    uint8_t *packet = packets[i];
    if (length < 12 || packet[0] < 128 || packet[0] >= 192) continue; /* STUN and DTLS say nothing new */
    int64_t arrived = 0;
    struct cmsghdr *control = CMSG_FIRSTHDR(&messages[i].msg_hdr);
    if (control != NULL && control->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(control), sizeof at);
      arrived = at.tv_sec * SECOND + at.tv_nsec;
    } else {
      arrived = now_of(CLOCK_REALTIME);
    }
    int type = packet[1] & 0x7F;
    if (type >= 64 && type < 96)
      take_rtcp(load, session, packet, length, arrived);
    else
      take_media(load, session, packet, length, arrived);
  }
}

/* By its own clock: counted from now on, those that came late together would stay together. */
static int64_t following(int64_t due, int64_t period, int64_t now) { return due + period * (1 + (now - due) / period); }

/* Does what is due. Gives when something is due again. */
static int64_t advance(Load *load) {
  int64_t next = INT64_MAX, now = now_of(CLOCK_MONOTONIC);
  for (int i = 0; i < load->top; i++) {
    Session *session = &load->sessions[i];
    if (!session->used) continue;
    for (int n = 0; n < session->stream_count; n++) {
      Stream *stream = &session->streams[n];
      while (stream->due <= now) {
        int64_t late = now - stream->due;
        /* Who was stopped for a second does not make up for it. */
        stream->due = late > SECOND ? now + stream->period : stream->due + stream->period;
        send_media(load, session, stream, late);
      }
      if (stream->due < next) next = stream->due;
    }
    if (session->feedback_due <= now) {
      session->feedback_due = following(session->feedback_due, FEEDBACK_NS, now);
      send_feedback(load, session);
    }
    if (session->report_due <= now) {
      session->report_due = following(session->report_due, REPORT_NS, now);
      send_reports(load, session);
    }
    if (session->check_due <= now) {
      session->check_due = following(session->check_due, CHECK_NS, now);
      transmit(load, session, session->check, session->check_length);
    }
    if (session->feedback_due < next) next = session->feedback_due;
    if (session->report_due < next) next = session->report_due;
  }
  return next;
}

void load_run(Load *load, int64_t nanoseconds) {
  struct epoll_event events[64];
  int64_t end = now_of(CLOCK_MONOTONIC) + nanoseconds;
  for (;;) {
    int64_t due = advance(load), now = now_of(CLOCK_MONOTONIC);
    if (now >= end) return;
    if (due > end) due = end;
    struct timespec wait = {0, 0};
    if (due > now) wait = (struct timespec){(due - now) / SECOND, (due - now) % SECOND};
    int ready = epoll_pwait2(load->epoll, events, 64, &wait, NULL);
    for (int i = 0; i < ready; i++) receive(load, events[i].data.ptr);
  }
}
