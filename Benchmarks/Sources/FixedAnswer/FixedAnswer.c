/*
 * The handler of FixedAnswerHost as a plugin: GET of anything is answered with the same 512 bytes and the same header
 * fields. What differs between the two is the ABI alone.
 */
#include <muster/muster.h>
#include <string.h>

/* An initialiser of a muster_string; MUSTER_STRING is no constant expression everywhere. */
#define TEXT(literal) {(literal), sizeof(literal) - 1}

static const muster_http_server *http;
static uint8_t body[512];

static const muster_header fields[] = {
    {TEXT("Content-Type"), TEXT("application/octet-stream")},
    {TEXT("ETag"), TEXT("\"fixed-answer\"")},
};

static void on_request(void *context, muster_exchange exchange, const muster_http_request *request) {
    (void)context, (void)request;
    http->respond(http->context, exchange, 200, fields, 2, (muster_bytes){body, sizeof body});
}

static const muster_http_handler handler = {MUSTER_INIT(muster_http_handler), .on_request = on_request};

static const void *get_extension(void *context, muster_string id) {
    (void)context, (void)id;
    return NULL;
}

static muster_status prepare(void *context, const muster_options *options, muster_error *error) {
    (void)context, (void)options;
    memset(body, 'x', sizeof body);
    return http->serve(http->context, MUSTER_STRING("web"), &handler, NULL, error);
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

static void stop(void *context) { (void)context; }
static void destroy(void *context) { (void)context; }

static const muster_component component = {
    MUSTER_INIT(muster_component), .get_extension = get_extension, .prepare = prepare, .activate = activate,
    .quiesce = quiesce,            .release = release,             .stop = stop,       .destroy = destroy,
};

static muster_status create(void *context, const muster_host *host, const muster_component **out, muster_error *error) {
    (void)context, (void)error;
    http = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_HTTP_SERVER));
    if (!http) return MUSTER_FAILED;
    *out = &component;
    return MUSTER_OK;
}

static const muster_listener_spec web = {
    MUSTER_INIT(muster_listener_spec), .name = TEXT("web"), .transport = MUSTER_TRANSPORT_HTTP, .port = 50021,
    .help = TEXT("Answers every request with the same 512 bytes."),
};
static const muster_listener_spec *const listeners[] = {&web};
static const muster_string extensions[] = {TEXT(MUSTER_EXT_HTTP_SERVER)};

static const muster_plugin manifest = {
    MUSTER_INIT(muster_plugin),
    .id = TEXT("muster.benchmarks.fixed-answer"),
    .name = TEXT("FixedAnswer"),
    .version = TEXT("1.0.0"),
    .summary = TEXT("Answers every request with the same 512 bytes, for the benchmarks."),
    .vendor = TEXT("Muster"),
    .licence = TEXT("MIT"),
    .url = TEXT("https://example.com/"),
    .required_extensions = extensions,
    .required_extension_count = 1,
    .listeners = listeners,
    .listener_count = 1,
    .create = create,
};

MUSTER_EXPORT const muster_plugin *muster_plugin_entry_v1(void) { return &manifest; }
