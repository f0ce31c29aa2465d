/*
 * FixtureClient fetches `url` when it is activated, and logs what came of it; without a url it asks for no client at all.
 */
#include <muster/muster.h>
#include <stdio.h>
#include <string.h>

static const muster_host *host;
static muster_string url;

static void say(const char *text) {
    host->log(host->context, MUSTER_LOG_NOTICE, (muster_string){text, strlen(text)}, NULL, 0);
}

static void on_end(void *context, muster_http_transfer transfer, const muster_http_client_result *result) {
    (void)context, (void)transfer;
    char text[160];
    snprintf(text, sizeof text, "fetched: code %u status %u bytes %llu", (unsigned)result->code,
             (unsigned)result->status, (unsigned long long)result->received_bytes);
    say(text);
}

static void fetch(void) {
    const muster_http_client *client = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_HTTP_CLIENT));
    if (client == NULL) {
        say("there is no client");
        return;
    }
    muster_http_client_request request = {MUSTER_INIT(muster_http_client_request), .url = url};
    muster_http_client_handler handler = {MUSTER_INIT(muster_http_client_handler), .on_end = on_end};
    muster_error error = {MUSTER_INIT(muster_error)};
    if (client->start(client->context, &request, &handler, NULL, &error) != MUSTER_OK) say(error.message);
}

static const void *get_extension(void *context, muster_string id) {
    (void)context, (void)id;
    return NULL;
}

static muster_status prepare(void *context, const muster_options *options, muster_error *error) {
    (void)context, (void)error;
    const muster_value *value = options->find(options->context, MUSTER_STRING("url"));
    if (value != NULL) url = value->as.string;
    return MUSTER_OK;
}

static muster_status activate(void *context, muster_bytes state, muster_error *error) {
    (void)context, (void)state, (void)error;
    if (url.length > 0) fetch();
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

static void end(void *context) { (void)context; }

static const muster_component component = {
    MUSTER_INIT(muster_component),
    .get_extension = get_extension,
    .prepare = prepare,
    .activate = activate,
    .quiesce = quiesce,
    .release = release,
    .stop = end,
    .destroy = end,
};

static muster_status create(void *context, const muster_host *given, const muster_component **made,
                            muster_error *error) {
    (void)context, (void)error;
    host = given;
    *made = &component;
    return MUSTER_OK;
}

static const muster_option option_url = {
    MUSTER_INIT(muster_option),
    .name = MUSTER_STRING_INIT("url"),
    .type = MUSTER_TYPE_URL,
    .help = MUSTER_STRING_INIT("What is fetched on activation."),
};
static const muster_option *const options[] = {&option_url};

static const muster_plugin manifest = {
    MUSTER_INIT(muster_plugin),
    .id = MUSTER_STRING_INIT("org.example.fixture-client"),
    .name = MUSTER_STRING_INIT("FixtureClient"),
    .version = MUSTER_STRING_INIT("1.0.0"),
    .summary = MUSTER_STRING_INIT("Fetches a URL for the tests."),
    .vendor = MUSTER_STRING_INIT("Muster"),
    .licence = MUSTER_STRING_INIT("MIT"),
    .options = options,
    .option_count = 1,
    .create = create,
};

MUSTER_EXPORT const muster_plugin *muster_plugin_entry_v1(void) { return &manifest; }
