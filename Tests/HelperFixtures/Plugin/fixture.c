/*
 * The live tests' plugin that has helpers. GET requests, of which `+` stands for a blank:
 *
 *     /start/NAME/A+B      starts the helper with these arguments; answers its number, or what start answered
 *     /state/NUMBER        none, starting, started, failed: WHY, or ended: exited|signalled CODE
 *     /ask/NUMBER/MESSAGE  sends the message and answers what comes back within ten seconds
 *     /send/NUMBER/MESSAGE the same with a descriptor of a pipe that holds "from the plugin"
 *     /take/NUMBER/MESSAGE the same as ask, and the text behind the descriptor that comes back
 *     /end/NUMBER/GRACE    ends it; GRACE is in milliseconds
 *     /close/NUMBER        closes the component's end of its socket
 *     /wrong/…             starts with what is not allowed; answers the status
 *     /callbacks           how often each function of the handler was called
 */
#define _GNU_SOURCE
#include <errno.h>
#include <muster/muster.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELPERS = 4096 };

typedef struct helper {
    enum { NONE, STARTING, STARTED, FAILED, ENDED } state;
    int socket;
    char text[512];
} helper;

typedef struct request {
    muster_exchange exchange;
    char target[8192];
} request;

static const muster_host *host;
static const muster_http_server *server;
static const muster_process *process;
static const muster_work *work;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static helper helpers[HELPERS];
static unsigned started, failed, ended;
static int starts_in_prepare;

static void respond(muster_exchange exchange, const char *text) {
    server->respond(server->context, exchange, 200, NULL, 0, (muster_bytes){(const uint8_t *)text, strlen(text)});
}

/* ------------------------------------------------------------------------------------------------------ callbacks --- */

static helper *find(muster_process_id id) { return &helpers[id < HELPERS ? id : 0]; }

static void on_started(void *context, muster_process_id id, int32_t socket) {
    (void)context;
    pthread_mutex_lock(&mutex);
    started++;
    find(id)->state = STARTED;
    find(id)->socket = socket;
    pthread_mutex_unlock(&mutex);
}

static void on_failed(void *context, muster_process_id id, muster_string reason) {
    (void)context;
    pthread_mutex_lock(&mutex);
    failed++;
    find(id)->state = FAILED;
    snprintf(find(id)->text, sizeof find(id)->text, "%.*s", (int)reason.length, reason.data);
    pthread_mutex_unlock(&mutex);
}

static void on_ended(void *context, muster_process_id id, muster_process_ending ending, int32_t code) {
    (void)context;
    pthread_mutex_lock(&mutex);
    ended++;
    find(id)->state = ENDED;
    if (find(id)->socket >= 0) close(find(id)->socket);
    snprintf(find(id)->text, sizeof find(id)->text, "%s %d",
             ending == MUSTER_PROCESS_EXITED ? "exited" : "signalled", code);
    pthread_mutex_unlock(&mutex);
}

static const muster_process_handler handler = {
    MUSTER_INIT(muster_process_handler), .on_started = on_started, .on_failed = on_failed, .on_ended = on_ended};

/* -------------------------------------------------------------------------------------------------------- requests --- */

static void start(request *request, char *name, char *words) {
    muster_string arguments[80];
    size_t count = 0;
    for (char *word = strtok(words, "+"); word && count < 80; word = strtok(NULL, "+"))
        arguments[count++] = (muster_string){word, strlen(word)};
    muster_process_id id = 0;
    muster_error error = {MUSTER_INIT(muster_error)};
    char text[1200];
    pthread_mutex_lock(&mutex);
    /* The callbacks wait for the lock, so that the state is set before they come. */
    muster_status status = process->start(
        process->context, (muster_string){name, strlen(name)}, arguments, count, &handler, &id, &error);
    if (status == MUSTER_OK) find(id)->state = STARTING;
    pthread_mutex_unlock(&mutex);
    if (status == MUSTER_OK) snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    else snprintf(text, sizeof text, "status %u: %s", status, error.message);
    respond(request->exchange, text);
}

static void tell_state(request *request, muster_process_id id) {
    static const char *const names[] = {"none", "starting", "started", "failed: ", "ended: "};
    char text[1024];
    pthread_mutex_lock(&mutex);
    helper *helper = find(id);
    snprintf(text, sizeof text, "%s%s", names[helper->state], helper->state >= FAILED ? helper->text : "");
    pthread_mutex_unlock(&mutex);
    respond(request->exchange, text);
}

static int send_message(int socket, const char *text, int descriptor) {
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* The answer, and the text behind the descriptor that came with it. */
static void receive_message(int socket, char *text, size_t capacity, char *behind, size_t behind_capacity) {
    struct pollfd entry = {socket, POLLIN, 0};
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = {text, capacity - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t length = poll(&entry, 1, 10000) == 1 ? recvmsg(socket, &message, MSG_CMSG_CLOEXEC) : -1;
    if (length <= 0) {
        snprintf(text, capacity, length == 0 ? "end of the socket" : "no answer");
        return;
    }
    text[length] = 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS) return;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
    ssize_t count = read(descriptor, behind, behind_capacity - 1);
    behind[count > 0 ? count : 0] = 0;
    close(descriptor);
}

static void ask(request *request, muster_process_id id, char *text, int sends) {
    char answer[4200] = "not started", behind[256] = "";
    for (char *blank = text; (blank = strchr(blank, '+'));) *blank = ' ';
    pthread_mutex_lock(&mutex);
    int socket = find(id)->state == STARTED ? dup(find(id)->socket) : -1;
    pthread_mutex_unlock(&mutex);
    if (socket >= 0) {
        int ends[2] = {-1, -1};
        if (sends && (pipe(ends) != 0 || write(ends[1], "from the plugin", 15) != 15)) abort();
        if (send_message(socket, text, ends[0]) != 0) snprintf(answer, sizeof answer, "cannot send: %s", strerror(errno));
        else receive_message(socket, answer, sizeof answer, behind, sizeof behind);
        if (sends) {
            close(ends[0]);
            close(ends[1]);
        }
        close(socket);
    }
    strncat(answer, behind, sizeof answer - strlen(answer) - 1);
    respond(request->exchange, answer);
}

static void end(request *request, muster_process_id id, const char *grace) {
    char text[64];
    muster_status status = process->end(process->context, id, strtoull(grace, NULL, 10) * 1000000);
    snprintf(text, sizeof text, "status %u", status);
    respond(request->exchange, text);
}

static void close_socket(request *request, muster_process_id id) {
    pthread_mutex_lock(&mutex);
    if (find(id)->state == STARTED) {
        close(find(id)->socket);
        find(id)->socket = -1;
    }
    pthread_mutex_unlock(&mutex);
    respond(request->exchange, "closed");
}

static void wrong(request *request, const char *what) {
    static char large[40000];
    memset(large, 'x', sizeof large);
    muster_string name = MUSTER_STRING("plain");
    muster_string many[65];
    for (size_t index = 0; index < 65; index++) many[index] = MUSTER_STRING("a");
    muster_string one = MUSTER_STRING("a");
    const muster_string *arguments = NULL;
    size_t count = 0;
    muster_process_handler broken = handler;
    if (strcmp(what, "name") == 0) name = MUSTER_STRING("nobody");
    if (strcmp(what, "no-name") == 0) name = (muster_string){NULL, 5};
    if (strcmp(what, "large") == 0) one = (muster_string){large, sizeof large}, arguments = &one, count = 1;
    if (strcmp(what, "many") == 0) arguments = many, count = 65;
    if (strcmp(what, "nul") == 0) one = (muster_string){"a\0b", 3}, arguments = &one, count = 1;
    if (strcmp(what, "no-text") == 0) one = (muster_string){"\xff\xfe", 2}, arguments = &one, count = 1;
    if (strcmp(what, "null") == 0) arguments = NULL, count = 3;
    if (strcmp(what, "endless") == 0) arguments = many, count = SIZE_MAX;
    if (strcmp(what, "handler") == 0) broken.on_ended = NULL;
    if (strcmp(what, "small") == 0) broken.struct_size = 8;
    char text[64];
    muster_status status = process->start(process->context, name, arguments, count, &broken, NULL, NULL);
    snprintf(text, sizeof text, "status %u", status);
    respond(request->exchange, text);
}

/* What may block runs on the pool. */
static void carry_out(void *context) {
    request *request = context;
    char *parts[4] = {"", "", "", ""};
    int count = 0;
    char *rest = request->target;
    /* At most three parts: a message may hold slashes. */
    while (rest && count < 3) {
        if (*rest == '/') rest++;
        parts[count++] = rest;
        rest = count < 3 ? strchr(rest, '/') : NULL;
        if (rest) *rest++ = 0;
    }
    muster_process_id id = strtoull(parts[1], NULL, 10);
    if (strcmp(parts[0], "start") == 0) start(request, parts[1], parts[2]);
    else if (strcmp(parts[0], "state") == 0) tell_state(request, id);
    else if (strcmp(parts[0], "ask") == 0 || strcmp(parts[0], "take") == 0) ask(request, id, parts[2], 0);
    else if (strcmp(parts[0], "send") == 0) ask(request, id, parts[2], 1);
    else if (strcmp(parts[0], "close") == 0) close_socket(request, id);
    else if (strcmp(parts[0], "end") == 0) end(request, id, parts[2]);
    else if (strcmp(parts[0], "wrong") == 0) wrong(request, parts[1]);
    else if (strcmp(parts[0], "callbacks") == 0) {
        char text[64];
        pthread_mutex_lock(&mutex);
        snprintf(text, sizeof text, "started %u failed %u ended %u", started, failed, ended);
        pthread_mutex_unlock(&mutex);
        respond(request->exchange, text);
    } else respond(request->exchange, "no such request");
}

static void done(void *context, uint32_t cancelled) {
    (void)cancelled;
    free(context);
}

static void on_request(void *context, muster_exchange exchange, const muster_http_request *given) {
    (void)context;
    request *request = calloc(1, sizeof *request);
    if (!request || given->target.length >= sizeof request->target) abort();
    request->exchange = exchange;
    memcpy(request->target, given->target.data, given->target.length);
    muster_work_item item = {MUSTER_INIT(muster_work_item), .context = request, .run = carry_out, .done = done};
    if (work->submit(work->context, &item) != MUSTER_OK) abort();
}

static const muster_http_handler web_handler = {MUSTER_INIT(muster_http_handler), .on_request = on_request};

/* ------------------------------------------------------------------------------------------------------- lifecycle --- */

static const void *get_extension(void *context, muster_string id) {
    (void)context, (void)id;
    return NULL;
}

static muster_status prepare(void *context, const muster_options *options, muster_error *error) {
    (void)context;
    const muster_value *early = options->find(options->context, MUSTER_STRING("early"));
    starts_in_prepare = early && early->as.boolean;
    if (starts_in_prepare) {
        muster_process_id id = 0;
        pthread_mutex_lock(&mutex);
        muster_status status =
            process->start(process->context, MUSTER_STRING("plain"), NULL, 0, &handler, &id, error);
        if (status == MUSTER_OK) find(id)->state = STARTING;
        pthread_mutex_unlock(&mutex);
        if (status != MUSTER_OK) return status;
    }
    return server->serve(server->context, MUSTER_STRING("web"), &web_handler, NULL, error);
}

static muster_status activate(void *context, muster_bytes state, muster_error *error) {
    (void)context, (void)state, (void)error;
    return MUSTER_OK;
}

static muster_status quiesce(void *context, uint64_t deadline, muster_error *error) {
    (void)context, (void)deadline, (void)error;
    return MUSTER_OK;
}

static muster_status release(void *context, const muster_sink *sink, muster_error *error) {
    (void)context, (void)sink, (void)error;
    return MUSTER_OK;
}

/* By now each helper has ended, and was told of. */
static void stop(void *context) {
    (void)context;
    char text[128];
    pthread_mutex_lock(&mutex);
    snprintf(text, sizeof text, "stop: started %u ended %u", started, ended);
    pthread_mutex_unlock(&mutex);
    host->log(host->context, MUSTER_LOG_NOTICE, (muster_string){text, strlen(text)}, NULL, 0);
}

static void destroy(void *context) { (void)context; }

static const muster_component component = {
    MUSTER_INIT(muster_component), .get_extension = get_extension, .prepare = prepare, .activate = activate,
    .quiesce = quiesce,            .release = release,             .stop = stop,       .destroy = destroy,
};

static muster_status create(void *context, const muster_host *given, const muster_component **out, muster_error *error) {
    (void)context, (void)error;
    host = given;
    server = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_HTTP_SERVER));
    process = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_PROCESS));
    work = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_WORK));
    *out = &component;
    return MUSTER_OK;
}

/* -------------------------------------------------------------------------------------------------------- manifest --- */

#define PROGRAM .program = MUSTER_STRING_INIT("fixture-helper")
static const muster_process_spec plain = {
    MUSTER_INIT(muster_process_spec), .name = MUSTER_STRING_INIT("plain"), PROGRAM,
#ifdef FIXTURE_CAPABILITY
    .flags = MUSTER_PROCESS_READS_FILES, .capabilities = &(const muster_string)MUSTER_STRING_INIT(FIXTURE_CAPABILITY),
    .capability_count = 1,
#endif
    .help = MUSTER_STRING_INIT("May nothing, or what its variant needs.")};
static const muster_process_spec reader = {
    MUSTER_INIT(muster_process_spec), .name = MUSTER_STRING_INIT("reader"), PROGRAM,
    .flags = MUSTER_PROCESS_READS_FILES, .help = MUSTER_STRING_INIT("May read.")};
static const muster_process_spec writer = {
    MUSTER_INIT(muster_process_spec), .name = MUSTER_STRING_INIT("writer"), PROGRAM,
    .flags = MUSTER_PROCESS_WRITES_STATE, .help = MUSTER_STRING_INIT("May write.")};
static const muster_process_spec swift = {
    MUSTER_INIT(muster_process_spec), .name = MUSTER_STRING_INIT("swift"),
    .program = MUSTER_STRING_INIT("fixture-swift-helper"), .flags = MUSTER_PROCESS_WRITES_STATE,
    .help = MUSTER_STRING_INIT("Is in Swift.")};
static const muster_process_spec *const processes[] = {&plain, &reader, &writer, &swift};

static const muster_option early = {
    MUSTER_INIT(muster_option), .name = MUSTER_STRING_INIT("early"), .type = MUSTER_TYPE_BOOL,
    .default_value = MUSTER_STRING_INIT("false"), .help = MUSTER_STRING_INIT("Starts a helper in prepare.")};
static const muster_option *const options[] = {&early};

static const muster_listener_spec web = {
    MUSTER_INIT(muster_listener_spec), .name = MUSTER_STRING_INIT("web"), .transport = MUSTER_TRANSPORT_HTTP,
    .port = 50021, .help = MUSTER_STRING_INIT("Relays to helpers.")};
static const muster_listener_spec *const listeners[] = {&web};
static const muster_string extensions[] = {
    MUSTER_STRING_INIT(MUSTER_EXT_HTTP_SERVER), MUSTER_STRING_INIT(MUSTER_EXT_PROCESS),
    MUSTER_STRING_INIT(MUSTER_EXT_WORK)};

static const muster_plugin manifest = {
    MUSTER_INIT(muster_plugin),
    .id = MUSTER_STRING_INIT("test.muster.helpers"),
    .name = MUSTER_STRING_INIT("Helpers"),
    .version = MUSTER_STRING_INIT("1.0.0"),
    .summary = MUSTER_STRING_INIT("Starts helpers for the live tests."),
    .vendor = MUSTER_STRING_INIT("Muster"),
    .licence = MUSTER_STRING_INIT("MIT"),
    .required_extensions = extensions,
    .required_extension_count = 3,
    .listeners = listeners,
    .listener_count = 1,
    .options = options,
    .option_count = 1,
    .create = create,
    .processes = processes,
    .process_count = 4,
};

MUSTER_EXPORT const muster_plugin *muster_plugin_entry_v1(void) { return &manifest; }
