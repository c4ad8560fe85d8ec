/*
 * The bench's upstream: answers every POST with a stream of Responses events, as fast or as slowly as it is told.
 *
 *     stub PORT            listens on 127.0.0.1:PORT (0 = any free port) and prints the port it got, one line
 *
 *     GET /__set/DELTAS/MICROSECONDS/ECHO/REASONING     how the next answers look
 *         DELTAS        text deltas in an answer
 *         MICROSECONDS  between two deltas; 0 = all at once ("burst")
 *         ECHO          bytes of instructions repeated in created, in_progress and completed (the real API repeats them)
 *         REASONING     bytes of encrypted reasoning sent as an item before the text; 0 = no such item
 *     GET /__stats         {"requests":..,"body_bytes":..,"deltas":..} since the start
 *
 * HTTP/1.1 with keep-alive; the whole request body is read before the answer begins; one HTTP chunk for each event. When
 * deltas are paced, each begins with "@" and 16 digits: CLOCK_MONOTONIC in nanoseconds, so that the load generator can
 * tell how long that very event was under way. Order and fields of the events: codex-backend.md 3.1.
 *
 * One thread, epoll, libc only. Modes are for the whole process: change them between measurements, not during one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_SIZE = 256 * 1024,   /* one read of a request body */
    HEAD_LIMIT = 64 * 1024,   /* a request head longer than this is refused */
    OUT_TARGET = 256 * 1024,  /* a burst is generated this far ahead of the socket */
    ENCRYPTED_LIMIT = 64 * 1024,
    ECHO_LIMIT = 4 * 1024 * 1024,
};

/* ---- growable bytes ------------------------------------------------------------------------------------------- */

typedef struct {
    char *at;
    size_t used, room;
} Bytes;

static void *must(void *memory) {
    if (memory == NULL) {
        perror("stub: out of memory");
        exit(1);
    }
    return memory;
}

static char *bytes_grow(Bytes *b, size_t more) {
    if (b->used + more > b->room) {
        while (b->used + more > b->room) b->room = b->room ? b->room * 2 : 1024;
        b->at = must(realloc(b->at, b->room));
    }
    return b->at + b->used;
}

static void put(Bytes *b, const char *from, size_t size) {
    if (size == 0) return;
    memcpy(bytes_grow(b, size), from, size);
    b->used += size;
}

static void put_text(Bytes *b, const char *text) { put(b, text, strlen(text)); }

static void put_number(Bytes *b, uint64_t number) {
    char digits[20];
    size_t n = 0;
    do digits[sizeof digits - ++n] = (char)('0' + number % 10);
    while (number /= 10);
    put(b, digits + sizeof digits - n, n);
}

static void put_arguments(Bytes *b, const char *format, va_list arguments) {
    char line[2048];
    int size = vsnprintf(line, sizeof line, format, arguments);
    if (size < 0 || (size_t)size >= sizeof line) {
        fprintf(stderr, "stub: a formatted piece is too long: %s\n", format);
        abort();
    }
    put(b, line, (size_t)size);
}

static void put_format(Bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(Bytes *b, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_arguments(b, format, arguments);
    va_end(arguments);
}

static void bytes_free(Bytes *b) {
    free(b->at);
    *b = (Bytes){0};
}

/* ---- what an answer is made of --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t deltas, microseconds, echo, reasoning;
} Mode;

static Mode mode = {8, 0, 0, 0};
static struct {
    uint64_t requests, body_bytes, deltas;
} stats;

static char *echoed;    /* ECHO bytes of instructions, JSON-safe */
static char *encrypted; /* REASONING bytes, base64-like, beginning as Codex blobs do */

/* Pieces of an answer as a model sends them: short, some with escapes, some not ASCII. Already JSON-encoded. */
static const char *const WORDS[] = {
    "The", " function", " reads", " one", " line", ",", " then", " calls", " `parse", "_header", "`", " with", " the",
    " offset", ".", "\\n\\n", "```", "python", "\\n", "def", " parse", "_header", "(", "line", ":", " str", ")", " ->",
    " tuple", "[", "str", ",", " int", "]:", "\\n   ", " name", ",", " _,", " value", " =", " line", ".partition",
    "(\\\"", ":", "\\\")", "\\n   ", " return", " name", ".strip", "(),", " int", "(value", ")", "\\n", "```", "\\n\\n",
    "Both", " callers", " \xe2\x80\x94", " `", "load", "`", " and", " `refresh", "`", " \xe2\x86\x92", " expect", " a",
    " tuple", ",", " so", " nothing", " else", " changes", ".", " ",
};
static const size_t WORD_COUNT = sizeof WORDS / sizeof WORDS[0];
static size_t word_sizes[sizeof WORDS / sizeof WORDS[0]];

static const char PADDING[] = "q7Vb2LxT9dKpW4sZmR8nYcJf3GhQ6tBaE5uXoC1iDvN0rMkSgHlPjFwUyOzAeI"; /* for "obfuscation" */
static const char MESSAGE_ID[] = "msg_0b9f5c1de27a4463016920a1c4d7e08195b3f2a7706c84d1e9";
static const char REASONING_ID[] = "rs_0b9f5c1de27a4463016920a1c3f9f48195a1c05de3b7724f60";

static char *filler(size_t size, const char *sentence) {
    char *text = must(malloc(size + 1));
    size_t step = strlen(sentence);
    for (size_t i = 0; i < size; i++) text[i] = sentence[i % step];
    text[size] = '\0';
    return text;
}

static void set_mode(Mode wanted) {
    mode = wanted;
    free(echoed);
    free(encrypted);
    echoed = filler(mode.echo, "You are a careful coding agent. Read before you write; run the tests; say what you did. ");
    encrypted = filler(mode.reasoning, "gAAAAABp3kT9x_Vq7ZrLw2mNd4bYcJf3GhQ6tBaE5uXoC1iDvN0rMkSgHlPjFwUyOzAe");
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- one connection -------------------------------------------------------------------------------------------- */

typedef enum { READING_HEAD, READING_BODY, ANSWERING } Stage;

typedef struct Connection {
    int fd;
    Stage stage;
    uint32_t interest;  /* epoll events asked for */
    Bytes head;         /* request head so far */
    uint64_t body_left; /* request bytes still to come */
    Bytes out;          /* answer bytes not yet taken by the kernel */
    size_t out_sent;
    Mode mode;          /* as it was when the request was complete */
    uint32_t sent_deltas, sequence;
    Bytes text;         /* what the deltas said, for output_text.done */
    uint64_t due;       /* paced: when the next delta leaves */
    struct Connection *earlier, *later; /* the queue of paced streams, by `due` */
} Connection;

static int poller, pace_timer;
static Connection *queue_first, *queue_last;

static void queue_add(Connection *c) {
    /* All streams of a mode have one period, so the place is nearly always the end. */
    Connection *before = queue_last;
    while (before && before->due > c->due) before = before->earlier;
    c->earlier = before;
    c->later = before ? before->later : queue_first;
    if (c->later) c->later->earlier = c; else queue_last = c;
    if (before) before->later = c; else queue_first = c;
}

static void queue_remove(Connection *c) {
    if (c->earlier) c->earlier->later = c->later; else if (queue_first == c) queue_first = c->later; else return;
    if (c->later) c->later->earlier = c->earlier; else queue_last = c->earlier;
    c->earlier = c->later = NULL;
}

static void want(Connection *c, uint32_t interest) {
    if (c->interest == interest) return;
    c->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(Connection *c) {
    queue_remove(c);
    close(c->fd);
    bytes_free(&c->head);
    bytes_free(&c->out);
    bytes_free(&c->text);
    free(c);
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

/* An event is one HTTP chunk. Its size is known at its end, so room for six hex digits is left before it. */
static size_t event_begin(Connection *c, const char *type) {
    size_t start = c->out.used;
    put(&c->out, "000000\r\n", 8);
    put(&c->out, "event: ", 7);
    put_text(&c->out, type);
    put(&c->out, "\ndata: {\"type\":\"", 16);
    put_text(&c->out, type);
    put(&c->out, "\",\"sequence_number\":", 20);
    put_number(&c->out, c->sequence++);
    return start;
}

static void event_end(Connection *c, size_t start) {
    put(&c->out, "}\n\n", 3);
    size_t size = c->out.used - start - 8;
    for (int i = 5; i >= 0; i--, size >>= 4) c->out.at[start + (size_t)i] = "0123456789abcdef"[size & 15];
    put(&c->out, "\r\n", 2);
}

static void event(Connection *c, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void event(Connection *c, const char *type, const char *format, ...) {
    size_t start = event_begin(c, type);
    va_list arguments;
    va_start(arguments, format);
    put_arguments(&c->out, format, arguments);
    va_end(arguments);
    event_end(c, start);
}

static void response_event(Connection *c, const char *type, const char *status, const char *usage) {
    size_t start = event_begin(c, type);
    put_format(&c->out,
        ",\"response\":{\"id\":\"resp_0b9f5c1de27a4463016920a1c3d2c88195a7\",\"object\":\"response\","
        "\"created_at\":1795170000,\"status\":\"%s\",\"background\":false,\"error\":null,\"incomplete_details\":null,"
        "\"instructions\":\"", status);
    put(&c->out, echoed, c->mode.echo);
    put_format(&c->out,
        "\",\"max_output_tokens\":null,\"model\":\"gpt-5.5\",\"output\":[],\"parallel_tool_calls\":true,"
        "\"previous_response_id\":null,\"reasoning\":{\"effort\":\"medium\",\"summary\":\"auto\"},"
        "\"service_tier\":\"auto\",\"store\":false,\"text\":{\"format\":{\"type\":\"text\"},\"verbosity\":\"low\"},"
        "\"tool_choice\":\"auto\",\"tools\":[],\"truncation\":\"disabled\",\"usage\":%s,\"metadata\":{}}", usage);
    event_end(c, start);
}

static void delta_event(Connection *c) {
    size_t word = c->sent_deltas % WORD_COUNT;
    size_t said = c->text.used;
    if (c->mode.microseconds) {
        char stamp[32];
        put(&c->text, stamp, (size_t)snprintf(stamp, sizeof stamp, "@%016llu", (unsigned long long)now_ns()));
    }
    put(&c->text, WORDS[word], word_sizes[word]);

    size_t start = event_begin(c, "response.output_text.delta");
    put(&c->out, ",\"item_id\":\"", 12);
    put(&c->out, MESSAGE_ID, sizeof MESSAGE_ID - 1);
    static const char place[] = "\",\"output_index\":", part[] = ",\"content_index\":0,\"delta\":\"";
    put(&c->out, place, sizeof place - 1);
    put(&c->out, c->mode.reasoning ? "1" : "0", 1);
    put(&c->out, part, sizeof part - 1);
    put(&c->out, c->text.at + said, c->text.used - said);
    static const char logprobs[] = "\",\"logprobs\":[],\"obfuscation\":\"";
    put(&c->out, logprobs, sizeof logprobs - 1);
    put(&c->out, PADDING + word % 40, 16 - word_sizes[word] % 16); /* the real one evens out the sizes too */
    put(&c->out, "\"", 1);
    event_end(c, start);
    c->sent_deltas++;
    stats.deltas++;
}

static void reasoning_events(Connection *c) {
    static const char summary[] = "**Reading the parser**\\n\\nThe header line is split once; both callers agree.";
    event(c, "response.output_item.added",
        ",\"output_index\":0,\"item\":{\"id\":\"%s\",\"type\":\"reasoning\",\"encrypted_content\":\"\",\"summary\":[]}",
        REASONING_ID);
    event(c, "response.reasoning_summary_part.added",
        ",\"item_id\":\"%s\",\"output_index\":0,\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}",
        REASONING_ID);
    event(c, "response.reasoning_summary_text.delta",
        ",\"item_id\":\"%s\",\"output_index\":0,\"summary_index\":0,\"delta\":\"%s\",\"obfuscation\":\"tBaE5uXoC1\"",
        REASONING_ID, summary);
    event(c, "response.reasoning_summary_text.done",
        ",\"item_id\":\"%s\",\"output_index\":0,\"summary_index\":0,\"text\":\"%s\"", REASONING_ID, summary);
    event(c, "response.reasoning_summary_part.done",
        ",\"item_id\":\"%s\",\"output_index\":0,\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"%s\"}",
        REASONING_ID, summary);
    size_t start = event_begin(c, "response.output_item.done");
    put_format(&c->out, ",\"output_index\":0,\"item\":{\"id\":\"%s\",\"type\":\"reasoning\",\"encrypted_content\":\"",
        REASONING_ID);
    put(&c->out, encrypted, c->mode.reasoning);
    put_format(&c->out, "\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"%s\"}]}", summary);
    event_end(c, start);
}

static void begin_answer(Connection *c) {
    c->mode = mode;
    c->stage = ANSWERING;
    c->sent_deltas = c->sequence = 0;
    c->text.used = 0;
    put_text(&c->out,
        "HTTP/1.1 200 OK\r\nserver: stub\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        "transfer-encoding: chunked\r\ncache-control: no-cache\r\nopenai-model: gpt-5.5\r\n"
        "x-request-id: 5f0c1b52-7f6b-4f0e-9a55-0d8c4a1f2b6e\r\nx-codex-plan-type: pro\r\n"
        "x-codex-primary-used-percent: 12.5\r\nx-codex-primary-window-minutes: 300\r\n"
        "x-codex-primary-reset-at: 1795180000\r\nx-codex-secondary-used-percent: 3.0\r\n"
        "x-codex-secondary-window-minutes: 10080\r\nx-codex-secondary-reset-at: 1795700000\r\n\r\n");
    response_event(c, "response.created", "in_progress", "null");
    response_event(c, "response.in_progress", "in_progress", "null");
    if (c->mode.reasoning) reasoning_events(c);
    int index = c->mode.reasoning ? 1 : 0;
    event(c, "response.output_item.added",
        ",\"output_index\":%d,\"item\":{\"id\":\"%s\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],"
        "\"role\":\"assistant\"}", index, MESSAGE_ID);
    event(c, "response.content_part.added",
        ",\"item_id\":\"%s\",\"output_index\":%d,\"content_index\":0,"
        "\"part\":{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"\"}", MESSAGE_ID, index);
}

static void end_answer(Connection *c) {
    char index[2] = {c->mode.reasoning ? '1' : '0', 0};
    size_t start = event_begin(c, "response.output_text.done");
    put_format(&c->out, ",\"item_id\":\"%s\",\"output_index\":%s,\"content_index\":0,\"text\":\"", MESSAGE_ID, index);
    put(&c->out, c->text.at, c->text.used);
    put_text(&c->out, "\",\"logprobs\":[]");
    event_end(c, start);

    start = event_begin(c, "response.content_part.done");
    put_format(&c->out,
        ",\"item_id\":\"%s\",\"output_index\":%s,\"content_index\":0,"
        "\"part\":{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"", MESSAGE_ID, index);
    put(&c->out, c->text.at, c->text.used);
    put_text(&c->out, "\"}");
    event_end(c, start);

    start = event_begin(c, "response.output_item.done");
    put_format(&c->out,
        ",\"output_index\":%s,\"item\":{\"id\":\"%s\",\"type\":\"message\",\"status\":\"completed\","
        "\"content\":[{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"", index, MESSAGE_ID);
    put(&c->out, c->text.at, c->text.used);
    put_text(&c->out, "\"}],\"role\":\"assistant\",\"phase\":\"final_answer\"}");
    event_end(c, start);

    char usage[256];
    uint32_t output = c->mode.deltas + 32;
    snprintf(usage, sizeof usage,
        "{\"input_tokens\":61234,\"input_tokens_details\":{\"cached_tokens\":60160},\"output_tokens\":%u,"
        "\"output_tokens_details\":{\"reasoning_tokens\":32},\"total_tokens\":%u}", output, 61234 + output);
    response_event(c, "response.completed", "completed", usage);
    put_text(&c->out, "0\r\n\r\n");
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* Writes what is there. -1: the peer is gone. */
static int flush(Connection *c) {
    while (c->out_sent < c->out.used) {
        ssize_t n = send(c->fd, c->out.at + c->out_sent, c->out.used - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return 0;
        if (n < 0) return -1;
        c->out_sent += (size_t)n;
    }
    c->out.used = c->out_sent = 0;
    return 0;
}

/* Makes and sends what is due now, and decides what to wait for. -1: the connection is over. */
static int advance(Connection *c) {
    int answered = c->stage == ANSWERING;
    if (answered && c->mode.microseconds == 0) {
        while (c->sent_deltas < c->mode.deltas) {
            while (c->sent_deltas < c->mode.deltas && c->out.used < OUT_TARGET) delta_event(c);
            if (c->sent_deltas == c->mode.deltas) break;
            if (flush(c) < 0) return -1;
            if (c->out.used > 0) break; /* the kernel has enough; go on when it asks */
        }
    }
    if (answered && c->sent_deltas >= c->mode.deltas) {
        end_answer(c);
        c->stage = READING_HEAD;
    }
    if (flush(c) < 0) return -1;
    /* While answering, bytes of a next request stay in the kernel; only the peer's leaving is of interest. */
    want(c, (c->stage == ANSWERING ? EPOLLRDHUP : EPOLLIN) | (c->out.used ? EPOLLOUT : 0));
    return 0;
}

static void arm_timer(void) {
    struct itimerspec when = {0};
    if (queue_first) {
        when.it_value.tv_sec = (time_t)(queue_first->due / 1000000000u);
        when.it_value.tv_nsec = (long)(queue_first->due % 1000000000u);
    }
    timerfd_settime(pace_timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void send_due(void) {
    uint64_t expirations;
    if (read(pace_timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) perror("stub: timer");
    uint64_t now = now_ns();
    while (queue_first && queue_first->due <= now) {
        Connection *c = queue_first;
        queue_remove(c);
        delta_event(c);
        if (c->sent_deltas < c->mode.deltas) {
            c->due += (uint64_t)c->mode.microseconds * 1000u;
            queue_add(c);
        }
        if (advance(c) < 0) drop(c);
    }
    arm_timer();
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void plain_answer(Connection *c, const char *status, const char *body) {
    put_format(&c->out,
        "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", status, strlen(body), body);
}

static int handle_get(Connection *c, const char *path) {
    Mode wanted = {0};
    char body[256];
    if (sscanf(path, "/__set/%u/%u/%u/%u", &wanted.deltas, &wanted.microseconds, &wanted.echo, &wanted.reasoning) == 4
        && wanted.echo <= ECHO_LIMIT && wanted.reasoning <= ENCRYPTED_LIMIT) {
        set_mode(wanted);
        plain_answer(c, "200 OK", "{\"ok\":true}");
    } else if (strcmp(path, "/__stats") == 0) {
        snprintf(body, sizeof body, "{\"requests\":%llu,\"body_bytes\":%llu,\"deltas\":%llu}",
            (unsigned long long)stats.requests, (unsigned long long)stats.body_bytes,
            (unsigned long long)stats.deltas);
        plain_answer(c, "200 OK", body);
    } else {
        plain_answer(c, "404 Not Found", "{\"detail\":\"Not Found\"}");
    }
    return advance(c);
}

static int request_complete(Connection *c) {
    stats.requests++;
    begin_answer(c);
    if (c->mode.microseconds && c->mode.deltas) {
        c->due = now_ns() + (uint64_t)c->mode.microseconds * 1000u;
        queue_add(c);
        if (queue_first == c) arm_timer();
    }
    return advance(c);
}

/* Reads a complete head. Returns -1 when the connection is over. */
static int handle_head(Connection *c) {
    char method[16], path[2048];
    if (sscanf(c->head.at, "%15s %2047s", method, path) != 2) return -1;
    if (strcmp(method, "POST") != 0) return handle_get(c, path);
    char *length = strcasestr(c->head.at, "\r\ncontent-length:");
    if (length == NULL) {
        plain_answer(c, "411 Length Required", "{\"detail\":\"the stub wants a Content-Length\"}");
        advance(c);
        return -1;
    }
    c->body_left = strtoull(length + 17, NULL, 10);
    stats.body_bytes += c->body_left;
    c->stage = READING_BODY;
    return c->body_left == 0 ? request_complete(c) : 0;
}

/* Takes request bytes. Returns -1 when the connection is over (the caller drops it). */
static int feed(Connection *c, const char *data, size_t size) {
    if (c->stage == READING_HEAD) {
        size_t before = c->head.used, look = before > 3 ? before - 3 : 0;
        size_t take = size < HEAD_LIMIT ? size : HEAD_LIMIT;
        put(&c->head, data, take);
        char *end = memmem(c->head.at + look, c->head.used - look, "\r\n\r\n", 4);
        if (end == NULL) return c->head.used >= HEAD_LIMIT ? -1 : 0;
        end[0] = '\0';
        size_t of_head = (size_t)(end - c->head.at) + 4 - before;
        c->head.used = 0;
        data += of_head;
        size -= of_head;
        if (handle_head(c) < 0) return -1;
    }
    if (size == 0) return 0;
    if (c->stage != READING_BODY || size > c->body_left) {
        fprintf(stderr, "stub: bytes after a request's end; pipelining is not played here\n");
        return -1;
    }
    c->body_left -= size;
    return c->body_left == 0 ? request_complete(c) : 0;
}

static void on_event(Connection *c, uint32_t events) {
    static char buffer[READ_SIZE];
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
        drop(c);
        return;
    }
    if (events & EPOLLOUT && advance(c) < 0) {
        drop(c);
        return;
    }
    if (!(events & EPOLLIN)) return;
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || feed(c, buffer, (size_t)n) < 0) drop(c);
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *c = must(calloc(1, sizeof *c));
        c->fd = fd;
        c->interest = EPOLLIN;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: stub PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < WORD_COUNT; i++) word_sizes[i] = strlen(WORDS[i]);
    set_mode(mode);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(arguments[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
        perror("stub: cannot listen");
        return 1;
    }
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    poller = epoll_create1(EPOLL_CLOEXEC);
    pace_timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &pace_timer;
    epoll_ctl(poller, EPOLL_CTL_ADD, pace_timer, &event);

    struct epoll_event ready[256];
    for (;;) {
        int n = epoll_wait(poller, ready, 256, -1);
        int paced = 0;
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr == &listener) accept_all(listener);
            else if (ready[i].data.ptr == &pace_timer) paced = 1;
            else on_event(ready[i].data.ptr, ready[i].events);
        }
        if (paced) send_due(); /* last: it may drop connections that are in `ready` */
    }
}
