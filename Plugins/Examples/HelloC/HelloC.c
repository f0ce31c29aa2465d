/*
 * HelloC: a whole Muster plugin in one file of C.
 *
 *     curl http://localhost:50010/hello
 *
 * It serves one listener and reads one option. A plugin has three parts: the manifest (a constant that says what the
 * plugin is, needs and offers), the component (its life: create, prepare … destroy) and the handlers (its work). Read
 * this file from the bottom up, or copy it and change the names. What each call may do is said in muster/core.h.
 */
#include <muster/muster.h>

#include <stdlib.h>
#include <string.h>

/* One component. The host makes one in each worker process; nothing here is global. */
typedef struct hello {
    muster_component table; /* what the host calls */
    muster_http_handler handler;
    const muster_http_server *http; /* lives until destroy returns, like every table of the host's */
    muster_string greeting; /* points at the option's value, which lives until destroy returns */
} hello;

/* ---------------------------------------------------------------------------------------------------------- handlers */

static int equal(muster_string a, muster_string b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* The target without its query: `/hello` of `/hello?name=value`. */
static muster_string path_of(muster_string target) {
    const char *query = target.length == 0 ? NULL : memchr(target.data, '?', target.length);
    if (query != NULL) target.length = (size_t)(query - target.data);
    return target;
}

static void respond(const hello *self, muster_exchange exchange, uint32_t status, const muster_header *headers,
                    size_t header_count, muster_string body) {
    muster_bytes bytes = {(const uint8_t *)body.data, body.length};
    /* The client may have left meanwhile (MUSTER_GONE): there is nothing to be done about it, so the status is dropped. */
    (void)self->http->respond(self->http->context, exchange, status, headers, header_count, bytes);
}

/*
 * A request has come, on one of the worker's event loops: several run at once, and none may be blocked. `request` and
 * what it points to end with this call; the exchange's number may be kept and answered later, from any thread.
 */
static void on_request(void *context, muster_exchange exchange, const muster_http_request *request) {
    const hello *self = context;
    const muster_header plain = {MUSTER_STRING("Content-Type"), MUSTER_STRING("text/plain; charset=utf-8")};

    if (!equal(path_of(request->target), MUSTER_STRING("/hello"))) {
        respond(self, exchange, 404, &plain, 1, MUSTER_STRING("There is nothing here. Try /hello.\n"));
        return;
    }
    /* HEAD is answered like GET; the host keeps the body back. */
    if (!equal(request->method, MUSTER_STRING("GET")) && !equal(request->method, MUSTER_STRING("HEAD"))) {
        const muster_header headers[] = {plain, {MUSTER_STRING("Allow"), MUSTER_STRING("GET, HEAD")}};
        respond(self, exchange, 405, headers, 2, MUSTER_STRING("/hello answers GET and HEAD only.\n"));
        return;
    }
    respond(self, exchange, 200, &plain, 1, self->greeting);
}

/* --------------------------------------------------------------------------------------------------------- component */

/* Writes `text` where the host will read it as the reason of a failure. `error` may be NULL. */
static void explain(muster_error *error, const char *text) {
    if (error == NULL) return;
    strncpy(error->message, text, MUSTER_ERROR_CAPACITY - 1);
    error->message[MUSTER_ERROR_CAPACITY - 1] = '\0';
}

/* Gets ready beside the generation that is still running: reads options, asks for listeners, takes nothing exclusive. */
static muster_status prepare(void *context, const muster_options *options, muster_error *error) {
    hello *self = context;

    /* Never NULL for an option with a default; checked all the same, for a host is only another program. */
    const muster_value *greeting = options->find(options->context, MUSTER_STRING("greeting"));
    if (greeting == NULL || greeting->type != MUSTER_TYPE_STRING) {
        explain(error, "The host gave no text for the option `greeting`.");
        return MUSTER_FAILED;
    }
    self->greeting = greeting->as.string;

    /* The port is bound now, and accepts connections once activate has returned. */
    return self->http->serve(self->http->context, MUSTER_STRING("hello"), &self->handler, NULL, error);
}

/*
 * The rest of the life has nothing to do here: there is no state to take over or to hand on, and no work of our own to
 * finish. A plugin that owns something (a database, a lock) takes it in activate and gives it up in release.
 */
static muster_status activate(void *context, muster_bytes state, muster_error *error) {
    (void)context, (void)state, (void)error;
    return MUSTER_OK;
}

static muster_status quiesce(void *context, uint64_t deadline, muster_error *error) {
    (void)context, (void)deadline, (void)error;
    return MUSTER_OK;
}

static muster_status release(void *context, const muster_sink *state, muster_error *error) {
    (void)context, (void)state, (void)error;
    return MUSTER_OK;
}

static void stop(void *context) { (void)context; }

static void destroy(void *context) { free(context); }

/* Tables of our own for the host or other plugins: none. */
static const void *get_extension(void *context, muster_string id) {
    (void)context, (void)id;
    return NULL;
}

static muster_status create(void *context, const muster_host *host, const muster_component **component,
                            muster_error *error) {
    (void)context;
    /* Present for certain, since the manifest requires it: the host refuses to load us otherwise. Checked all the same. */
    const muster_http_server *http = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_HTTP_SERVER));
    if (http == NULL) {
        explain(error, "The host does not offer " MUSTER_EXT_HTTP_SERVER ".");
        return MUSTER_UNSUPPORTED;
    }
    hello *self = calloc(1, sizeof *self);
    if (self == NULL) {
        explain(error, "Out of memory.");
        return MUSTER_FAILED;
    }
    self->http = http;
    self->handler = (muster_http_handler){MUSTER_INIT(muster_http_handler), .context = self, .on_request = on_request};
    self->table = (muster_component){
        MUSTER_INIT(muster_component),
        .context = self,
        .get_extension = get_extension,
        .prepare = prepare,
        .activate = activate,
        .quiesce = quiesce,
        .release = release,
        .stop = stop,
        .destroy = destroy,
    };
    *component = &self->table;
    return MUSTER_OK;
}

/* ---------------------------------------------------------------------------------------------------------- manifest */

/* The manifest's text: MUSTER_STRING is no constant expression everywhere, so a static initialiser writes it out. */
#define TEXT(literal) {(literal), sizeof(literal) - 1}

/* The port is this listener's documented one; the operator may move it with `listen: {hello: "127.0.0.1:8080"}`. */
static const muster_listener_spec hello_listener = {
    MUSTER_INIT(muster_listener_spec),
    .name = TEXT("hello"),
    .transport = MUSTER_TRANSPORT_HTTP,
    .client_certificate = MUSTER_CLIENT_CERTIFICATE_NONE,
    .port = 50010,
    .help = TEXT("Answers GET /hello."),
};

/* The host checks the operator's YAML against this, and makes the manual and the editor's schema from it. */
static const muster_option greeting_option = {
    MUSTER_INIT(muster_option),
    .name = TEXT("greeting"),
    .type = MUSTER_TYPE_STRING,
    .default_value = TEXT("\"Hello from C.\\n\""), /* as the operator would write it: YAML */
    .minimum = TEXT("1"),
    .maximum = TEXT("1000"),
    .help = TEXT("What GET /hello answers."),
};

static const muster_string required_extensions[] = {TEXT(MUSTER_EXT_HTTP_SERVER)};
static const muster_listener_spec *const listeners[] = {&hello_listener};
static const muster_option *const options[] = {&greeting_option};

static const muster_plugin manifest = {
    MUSTER_INIT(muster_plugin),
    .id = TEXT("org.muster.example.hello-c"),
    .name = TEXT("HelloC"),
    .version = TEXT("1.0.0"),
    .summary = TEXT("Answers a greeting: the smallest plugin in C."),
    .vendor = TEXT("Muster contributors"),
    .licence = TEXT("MIT"),
    .minimum_abi_minor = 0,
    .required_extensions = required_extensions,
    .required_extension_count = sizeof required_extensions / sizeof *required_extensions,
    .listeners = listeners,
    .listener_count = sizeof listeners / sizeof *listeners,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .create = create,
};

/* The one symbol the library exports. */
MUSTER_EXPORT const muster_plugin *muster_plugin_entry_v1(void) { return &manifest; }
