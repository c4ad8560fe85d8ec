/*
 * The bench's client: keeps connections busy with requests, reads the streamed answers, checks and times them.
 *
 *     load --port P --path /v1/messages --body FILE [--body FILE ..] [--header 'name: value' ..]
 *          [--conns N] [--seconds S] [--requests M] [--ramp MILLISECONDS] [--expect DELTAS] [--mark TEXT]
 *
 * Each connection sends the bodies in turn, the next when the answer before it is complete, until S seconds have passed
 * or M requests have been sent by all together; answers under way then are read to their end. --ramp spreads the opening
 * of the connections. --mark: TEXT (digits), wherever it stands in head or body, is overwritten by a counter that goes up
 * each time a connection starts its list of bodies anew, so that no two sessions are alike. --expect: an answer that
 * does not hold exactly so many text deltas is an error, as are a status other than 200, an error event, a stream that
 * ends without its last event, a closed connection.
 *
 * Counted are text deltas: `event: content_block_delta` with a text_delta, `event: response.output_text.delta`, or a chunk of
 * Chat Completions whose delta is content (its end is `[DONE]`). A delta
 * whose text starts with the stub's "@" and 16 digits also gives its time under way. Times are in microseconds from the
 * first byte sent. One JSON line on stdout. One thread, epoll, libc only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_SIZE = 256 * 1024,
    HEAD_LIMIT = 16 * 1024,
    LINE_LIMIT = 1024, /* of a line only so much is looked at */
    MAX_BODIES = 64,
    MAX_HEADERS = 32,
    GRACE_SECONDS = 30, /* for answers still under way at the end */
};

static void *must(void *memory) {
    if (memory == NULL) {
        perror("load: out of memory");
        exit(1);
    }
    return memory;
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- samples --------------------------------------------------------------------------------------------------- */

typedef struct {
    double *at; /* microseconds */
    size_t used, room;
} Samples;

static void sample(Samples *s, uint64_t from_ns, uint64_t to_ns) {
    if (s->used == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->at = must(realloc(s->at, s->room * sizeof *s->at));
    }
    s->at[s->used++] = to_ns > from_ns ? (double)(to_ns - from_ns) / 1000.0 : 0.0;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, Samples *s) {
    if (s->used == 0) {
        printf(",\"%s\":null", name);
        return;
    }
    qsort(s->at, s->used, sizeof *s->at, ascending);
    printf(",\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"min\":%.1f,\"max\":%.1f}", name, s->at[s->used / 2],
        s->at[s->used * 9 / 10], s->at[s->used * 99 / 100], s->at[0], s->at[s->used - 1]);
}

/* ---- what to do, and what came of it --------------------------------------------------------------------------- */

typedef struct {
    char *at; /* head and body */
    size_t size;
    size_t *marks, mark_count; /* where the mark stands */
} Request;

static struct {
    int port, conns, ramp_ms, expect;
    double seconds;
    uint64_t requests;
    const char *path, *mark, *headers[MAX_HEADERS], *bodies[MAX_BODIES];
    int header_count, body_count;
} options = {.conns = 1, .seconds = 1e9, .requests = UINT64_MAX, .expect = -1, .path = "/v1/messages"};

static Request requests[MAX_BODIES];
static uint64_t started, sent_requests, sessions;

static struct {
    uint64_t answers, errors, events, bytes;
    int streaming, most_streaming;
    uint64_t last_end;
    Samples first, total, event;
    char error[512]; /* the first one, in words */
} result;

static Request build_request(const char *file) {
    FILE *f = fopen(file, "rb");
    if (f == NULL) {
        fprintf(stderr, "load: cannot read %s: %s\n", file, strerror(errno));
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    long body_size = ftell(f);
    rewind(f);
    Request r = {.at = must(malloc((size_t)body_size + HEAD_LIMIT))};
    int n = snprintf(r.at, HEAD_LIMIT, "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n",
        options.path, options.port);
    for (int i = 0; i < options.header_count; i++)
        n += snprintf(r.at + n, (size_t)(HEAD_LIMIT - n), "%s\r\n", options.headers[i]);
    n += snprintf(r.at + n, (size_t)(HEAD_LIMIT - n), "content-length: %ld\r\n\r\n", body_size);
    if (fread(r.at + n, 1, (size_t)body_size, f) != (size_t)body_size) {
        fprintf(stderr, "load: %s changed while it was read\n", file);
        exit(1);
    }
    fclose(f);
    r.size = (size_t)(n + body_size);
    if (options.mark) {
        size_t room = 0, length = strlen(options.mark);
        for (char *p = r.at; (p = memmem(p, r.size - (size_t)(p - r.at), options.mark, length)); p += length) {
            if (r.mark_count == room) r.marks = must(realloc(r.marks, (room = room ? room * 2 : 64) * sizeof *r.marks));
            r.marks[r.mark_count++] = (size_t)(p - r.at);
        }
    }
    return r;
}

/* ---- one connection -------------------------------------------------------------------------------------------- */

typedef enum { IN_HEAD, IN_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, IN_PLAIN, COMPLETE } Part;

typedef struct {
    int fd;
    int busy;            /* a request is under way */
    int next_body;
    const char *sending; /* the request's bytes: shared, or `own` when marked */
    char *own;
    size_t own_room, size, sent;
    char session[32];      /* what stands in place of the mark */
    uint64_t begin, first; /* ns; first = 0: no text delta yet */
    uint32_t deltas;
    int ended;           /* the stream's last event was seen */
    int failed;          /* counted as an error already */

    Part part;
    int status, keep;
    char head[HEAD_LIMIT];
    size_t head_size;
    uint64_t left;       /* of the chunk, or of the plain body; UINT64_MAX: until the connection closes */
    int size_over;       /* past the digits of a chunk's size: in an extension */
    int trailer_line;    /* bytes in the current trailer line */

    char line[LINE_LIMIT + 1];
    size_t line_size;
    enum { OTHER, TEXT, TEXT_IF_NAMED, FAILURE } kind; /* of the event whose data line comes next */
} Connection;

static int poller;
static Connection *connections;
static int busy; /* connections with a request under way */

static void fail(Connection *c, const char *what, const char *detail, size_t size) {
    if (c->failed) return;
    c->failed = 1;
    result.errors++;
    if (result.error[0]) return;
    int n = snprintf(result.error, sizeof result.error, "%s", what);
    for (size_t i = 0; i < size && n < (int)sizeof result.error - 1; i++) {
        unsigned char letter = (unsigned char)detail[i];
        result.error[n++] = letter < ' ' || letter > '~' || letter == '"' || letter == '\\' ? ' ' : (char)letter;
    }
}

static void watch(Connection *c, uint32_t interest, int operation) {
    struct epoll_event event = {.events = interest, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &event);
}

static void open_connection(Connection *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)options.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* On loopback connect() waits for nothing but room in the listener's queue. */
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "load: cannot connect to port %d: %s\n", options.port, strerror(errno));
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void close_connection(Connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static int may_send(void) {
    return sent_requests < options.requests && (double)(now_ns() - started) < options.seconds * 1e9;
}

/* Sends what the socket takes; asks to be told when it takes more. */
static void send_more(Connection *c) {
    while (c->sent < c->size) {
        ssize_t n = send(c->fd, c->sending + c->sent, c->size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return; /* the answer, or the close, that explains it is there to be read */
        if (n < 0) {
            watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        c->sent += (size_t)n;
    }
}

static void send_request(Connection *c) {
    Request *r = &requests[c->next_body];
    c->sending = r->at;
    if (r->mark_count) {
        int length = (int)strlen(options.mark);
        if (c->next_body == 0)
            snprintf(c->session, sizeof c->session, "%0*llu", length, (unsigned long long)sessions++);
        if (c->own_room < r->size) c->own = must(realloc(c->own, c->own_room = r->size));
        memcpy(c->own, r->at, r->size);
        for (size_t i = 0; i < r->mark_count; i++) memcpy(c->own + r->marks[i], c->session, (size_t)length);
        c->sending = c->own;
    }
    c->next_body = (c->next_body + 1) % options.body_count;
    c->size = r->size;
    c->sent = 0;
    c->busy = 1;
    busy++;
    c->first = 0;
    c->deltas = 0;
    c->ended = c->failed = 0;
    c->part = IN_HEAD;
    c->head_size = c->line_size = 0;
    c->kind = OTHER;
    sent_requests++;
    c->begin = now_ns();
    send_more(c);
}

/* ---- reading the events ---------------------------------------------------------------------------------------- */

static void count_delta(Connection *c, const char *line, size_t size, uint64_t now) {
    c->deltas++;
    result.events++;
    if (c->first == 0) {
        c->first = now;
        sample(&result.first, c->begin, now);
        if (++result.streaming > result.most_streaming) result.most_streaming = result.streaming;
    }
    const char *stamp = memchr(line, '@', size);
    if (stamp == NULL || (size_t)(line + size - stamp) < 17) return;
    uint64_t left_stub = 0;
    for (int i = 1; i <= 16; i++) {
        if (stamp[i] < '0' || stamp[i] > '9') return;
        left_stub = left_stub * 10 + (uint64_t)(stamp[i] - '0');
    }
    sample(&result.event, left_stub, now);
}

static int is(const char *name, size_t size, const char *wanted) {
    return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

static void take_line(Connection *c, const char *line, size_t size, uint64_t now) {
    if (size > 7 && memcmp(line, "event: ", 7) == 0) {
        const char *name = line + 7;
        size -= 7;
        c->kind = OTHER;
        if (is(name, size, "content_block_delta")) c->kind = TEXT_IF_NAMED;
        else if (is(name, size, "response.output_text.delta")) c->kind = TEXT;
        else if (is(name, size, "message_stop") || is(name, size, "response.completed")) c->ended = 1;
        else if (is(name, size, "error") || is(name, size, "response.failed")) c->kind = FAILURE;
    } else if (size > 6 && memcmp(line, "data: ", 6) == 0) {
        if (c->kind == FAILURE || (size > 14 && memcmp(line + 6, "{\"error\"", 8) == 0))
            fail(c, "the stream holds an error event: ", line, size);
        else if (is(line + 6, size - 6, "[DONE]")) c->ended = 1;
        else if (c->kind == TEXT || (c->kind == OTHER && memmem(line, size, "\"delta\":{\"content\":", 19)) ||
                 (c->kind == TEXT_IF_NAMED && memmem(line, size, "\"text_delta\"", 12)))
            count_delta(c, line, size, now);
        c->kind = OTHER;
    }
}

/* Cuts payload into lines. A line over a chunk's end is put together in c->line, up to LINE_LIMIT bytes of it. */
static void take_payload(Connection *c, const char *data, size_t size, uint64_t now) {
    if (c->status != 200) {
        char status[64];
        snprintf(status, sizeof status, "status %d: ", c->status);
        fail(c, status, data, size);
        return;
    }
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t span = end ? (size_t)(end - data) : size;
        if (c->line_size || end == NULL) {
            size_t room = LINE_LIMIT - c->line_size, take = span < room ? span : room;
            memcpy(c->line + c->line_size, data, take);
            c->line_size += take;
            if (end == NULL) return;
            take_line(c, c->line, c->line_size, now);
            c->line_size = 0;
        } else {
            take_line(c, data, span, now);
        }
        data += span + 1;
        size -= span + 1;
    }
}

/* ---- reading HTTP ---------------------------------------------------------------------------------------------- */

static void read_head(Connection *c) {
    c->head[c->head_size] = '\0';
    c->status = atoi(c->head + strcspn(c->head, " "));
    c->keep = strcasestr(c->head, "\r\nconnection: close") == NULL;
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (strcasestr(c->head, "\r\ntransfer-encoding: chunked")) {
        c->part = IN_SIZE;
        c->left = 0;
        c->size_over = 0;
    } else {
        c->part = IN_PLAIN;
        c->left = length ? strtoull(length + 17, NULL, 10) : UINT64_MAX;
        if (c->left == 0) c->part = COMPLETE;
        if (length == NULL) c->keep = 0;
    }
    if (c->status != 200 && c->part == COMPLETE) take_payload(c, "no body", 7, 0);
}

static void take_size_byte(Connection *c, char byte) {
    if (byte == '\n') {
        c->part = c->left ? IN_CHUNK : IN_TRAILER;
        c->trailer_line = 0;
    } else if (byte == ';' || byte == '\r') {
        c->size_over = 1;
    } else if (!c->size_over) {
        int digit = byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10;
        c->left = c->left * 16 + (uint64_t)(digit & 15);
    }
}

/* Takes answer bytes up to the answer's end; returns how many. */
static size_t take(Connection *c, const char *data, size_t size, uint64_t now) {
    const char *at = data, *end = data + size;
    while (at < end && c->part != COMPLETE) {
        if (c->part == IN_HEAD) {
            if (c->head_size >= HEAD_LIMIT - 1) {
                fail(c, "the answer's head is too long", "", 0);
                c->keep = 0;
                c->part = COMPLETE;
                break;
            }
            c->head[c->head_size++] = *at++;
            if (c->head_size >= 4 && memcmp(c->head + c->head_size - 4, "\r\n\r\n", 4) == 0) read_head(c);
        } else if (c->part == IN_SIZE) {
            take_size_byte(c, *at++);
        } else if (c->part == IN_CHUNK || c->part == IN_PLAIN) {
            size_t span = (uint64_t)(end - at) < c->left ? (size_t)(end - at) : (size_t)c->left;
            take_payload(c, at, span, now);
            at += span;
            if (c->left != UINT64_MAX) c->left -= span;
            if (c->left == 0) c->part = c->part == IN_CHUNK ? IN_CHUNK_END : COMPLETE;
        } else if (c->part == IN_CHUNK_END) {
            if (*at++ == '\n') {
                c->part = IN_SIZE;
                c->size_over = 0;
            }
        } else if (*at++ == '\n') { /* IN_TRAILER: an empty line ends the answer */
            if (c->trailer_line == 0) c->part = COMPLETE;
            c->trailer_line = 0;
        } else if (at[-1] != '\r') {
            c->trailer_line++;
        }
    }
    return (size_t)(at - data);
}

static void finish(Connection *c, uint64_t now) {
    c->busy = 0;
    busy--;
    result.last_end = now;
    if (c->first) result.streaming--;
    if (c->part != COMPLETE) fail(c, "the connection was closed before the answer's end", "", 0);
    else if (!c->ended) fail(c, "the stream ended without its last event", "", 0);
    else if (options.expect >= 0 && c->deltas != (uint32_t)options.expect) {
        char counts[64];
        int size = snprintf(counts, sizeof counts, "%u instead of %d", c->deltas, options.expect);
        fail(c, "wrong number of text deltas: ", counts, (size_t)size);
    }
    if (c->failed) return;
    result.answers++;
    sample(&result.total, c->begin, now);
}

static void on_readable(Connection *c) {
    static char buffer[READ_SIZE];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    uint64_t now = now_ns();
    if (n <= 0) {
        if (c->busy && c->part == IN_PLAIN && c->left == UINT64_MAX) c->part = COMPLETE;
        if (c->busy) finish(c, now);
        close_connection(c);
    } else {
        result.bytes += (uint64_t)n;
        if (!c->busy) {
            fail(c, "bytes without a request: ", buffer, (size_t)n);
            close_connection(c);
        } else {
            take(c, buffer, (size_t)n, now);
            if (c->part != COMPLETE) return;
            finish(c, now);
            if (!c->keep || c->sent < c->size) close_connection(c);
        }
    }
    if (!may_send()) return;
    if (c->fd < 0) open_connection(c);
    send_request(c);
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

static void read_options(int count, char **arguments) {
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (value == NULL) {
            fprintf(stderr, "load: %s wants a value; see the top of load.c\n", name);
            exit(2);
        }
        if (strcmp(name, "--port") == 0) options.port = atoi(value);
        else if (strcmp(name, "--path") == 0) options.path = value;
        else if (strcmp(name, "--conns") == 0) options.conns = atoi(value);
        else if (strcmp(name, "--seconds") == 0) options.seconds = atof(value);
        else if (strcmp(name, "--requests") == 0) options.requests = strtoull(value, NULL, 10);
        else if (strcmp(name, "--ramp") == 0) options.ramp_ms = atoi(value);
        else if (strcmp(name, "--expect") == 0) options.expect = atoi(value);
        else if (strcmp(name, "--mark") == 0 && strlen(value) < sizeof connections->session) options.mark = value;
        else if (strcmp(name, "--body") == 0 && options.body_count < MAX_BODIES)
            options.bodies[options.body_count++] = value;
        else if (strcmp(name, "--header") == 0 && options.header_count < MAX_HEADERS)
            options.headers[options.header_count++] = value;
        else {
            fprintf(stderr, "load: %s: not known, or too many or too long; see the top of load.c\n", name);
            exit(2);
        }
    }
    if (options.port == 0 || options.body_count == 0 || options.conns < 1) {
        fprintf(stderr, "load: --port, --body and at least one connection are needed; see the top of load.c\n");
        exit(2);
    }
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    read_options(count, arguments);
    for (int i = 0; i < options.body_count; i++) requests[i] = build_request(options.bodies[i]);
    connections = must(calloc((size_t)options.conns, sizeof *connections));
    poller = epoll_create1(EPOLL_CLOEXEC);
    started = now_ns();
    uint64_t deadline = started + (uint64_t)((options.seconds < 1e6 ? options.seconds : 1e6) * 1e9);
    uint64_t give_up = deadline + (uint64_t)GRACE_SECONDS * 1000000000u;

    int opened = 0;
    struct epoll_event ready[256];
    for (;;) {
        uint64_t now = now_ns();
        while (opened < options.conns && may_send()
               && now - started >= (uint64_t)options.ramp_ms * 1000000u * (uint64_t)opened / (uint64_t)options.conns) {
            open_connection(&connections[opened]);
            send_request(&connections[opened++]);
        }
        /* A connection goes on by itself while there is something to send; none busy means that there is nothing. */
        if (busy == 0 && (opened == options.conns || !may_send())) break;
        if (now > give_up) break;
        int n = epoll_wait(poller, ready, 256, opened < options.conns ? 1 : 100);
        for (int i = 0; i < n; i++) {
            Connection *c = ready[i].data.ptr;
            if (c->fd < 0) continue;
            if (ready[i].events & EPOLLOUT) {
                watch(c, EPOLLIN, EPOLL_CTL_MOD);
                send_more(c);
            }
            if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
        }
    }
    for (int i = 0; i < opened; i++)
        if (connections[i].busy) fail(&connections[i], "an answer did not end within the time of grace", "", 0);

    double seconds = (double)((result.last_end ? result.last_end : now_ns()) - started) / 1e9;
    printf("{\"answers\":%llu,\"errors\":%llu,\"seconds\":%.4f,\"requests_per_second\":%.1f,\"events\":%llu,"
           "\"events_per_second\":%.0f,\"bytes\":%llu,\"most_streaming\":%d",
        (unsigned long long)result.answers, (unsigned long long)result.errors, seconds,
        (double)result.answers / seconds, (unsigned long long)result.events, (double)result.events / seconds,
        (unsigned long long)result.bytes, result.most_streaming);
    print_samples("first_us", &result.first);
    print_samples("total_us", &result.total);
    print_samples("event_us", &result.event);
    printf(",\"error\":\"%s\"}\n", result.error);
    return 0;
}
