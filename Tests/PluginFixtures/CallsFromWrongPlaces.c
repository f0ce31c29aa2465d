/*
 * Broken: it calls the host's functions from wrong threads, in wrong states and with wrong arguments.
 * Host: answers each with a status, and goes on.
 */
#define FIXTURE_STEP(step) call_everything(step)
#define FIXTURE_COMPONENT .release = keep_sink,

#include <muster/muster.h>

static void call_everything(int step);
static muster_status keep_sink(void *context, const muster_sink *sink, muster_error *error);

#include "fixture.inc"

static const muster_sink *kept_sink;

static void expect(const char *call, int step, muster_status status, muster_status first, muster_status second) {
    char sentence[128];
    if (status == first || status == second) return;
    snprintf(sentence, sizeof sentence, "%s in step %d was answered with %u", call, step, (unsigned)status);
    complain(sentence);
}

static muster_status keep_sink(void *context, const muster_sink *sink, muster_error *error) {
    (void)context, (void)error;
    kept_sink = sink;
    expect("state without bytes", IN_RELEASE, sink->write(sink->context, (muster_bytes){NULL, 8}), MUSTER_INVALID,
           MUSTER_INVALID);
    return MUSTER_OK;
}

static void never(void *context) { (void)context; }
static void never_fire(void *context, muster_timer_id id) { (void)context, (void)id; }

static void *serve_from_a_thread(void *step) {
    muster_error error = {HEADER(muster_error)};
    expect("serve from a thread", *(int *)step,
           server->serve(server->context, MUSTER_STRING("web"), &handler, NULL, &error), MUSTER_WRONG_STATE,
           MUSTER_WRONG_STATE);
    return NULL;
}

static void call_host(int step) {
    const muster_string lost = {NULL, 7}, endless = {"x", SIZE_MAX}, broken = {"\xFF", 1};
    const muster_string strings[] = {lost, endless, broken};
    for (int i = 0; i < 3; i++) {
        if (host->get_extension(host->context, strings[i])) complain("an extension without a name");
        host->log(host->context, MUSTER_LOG_DEBUG, strings[i], NULL, SIZE_MAX);
    }
    host->log(host->context, 4000, MUSTER_STRING("a level that is not there yet"), NULL, 0);
}

static void call_server(int step) {
    pthread_t thread;
    pthread_create(&thread, NULL, serve_from_a_thread, &step);
    pthread_join(thread, NULL);
    muster_status outside = step == IN_PREPARE ? MUSTER_INVALID : MUSTER_WRONG_STATE;
    expect("serve of nothing", step, server->serve(server->context, MUSTER_STRING("nothing"), &handler, NULL, NULL),
           outside, outside);
    expect("serve without a handler", step, server->serve(server->context, MUSTER_STRING("web"), NULL, NULL, NULL),
           MUSTER_INVALID, outside);
    const muster_exchange exchanges[] = {0, 1, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        expect("respond to nothing", step, respond(exchanges[i], MUSTER_STRING("?")), MUSTER_GONE, MUSTER_INVALID);
        expect("write to nothing", step, server->write(server->context, exchanges[i], (muster_bytes){NULL, 0}),
               MUSTER_GONE, MUSTER_INVALID);
        expect("end of nothing", step, server->end(server->context, exchanges[i]), MUSTER_GONE, MUSTER_INVALID);
    }
}

static void call_others(int step) {
    const muster_listener *listener = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_LISTENER));
    const muster_timer *timer = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_TIMER));
    const muster_work *work = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_WORK));
    int32_t numbers[1];
    size_t count;
    expect("open of a listener that is not raw", step,
           listener->open(listener->context, MUSTER_STRING("web"), NULL, numbers, 1, &count, NULL), MUSTER_INVALID,
           step == IN_PREPARE ? MUSTER_INVALID : MUSTER_WRONG_STATE);
    expect("timer without options", step, timer->start(timer->context, NULL, NULL), MUSTER_INVALID, MUSTER_INVALID);
    expect("cancel of no timer", step, timer->cancel(timer->context, 77), MUSTER_GONE, MUSTER_GONE);
    expect("work without an item", step, work->submit(work->context, NULL), MUSTER_INVALID, MUSTER_INVALID);
    if (step < IN_STOP) return;
    const muster_bytes late = {(const uint8_t *)"late", 4};
    expect("state after release", step, kept_sink->write(kept_sink->context, late), MUSTER_WRONG_STATE,
           MUSTER_WRONG_STATE);
    const muster_timer_options soon = {HEADER(muster_timer_options), .fire = never_fire};
    const muster_work_item item = {HEADER(muster_work_item), .run = never};
    expect("timer after stop", step, timer->start(timer->context, &soon, NULL), MUSTER_WRONG_STATE, MUSTER_WRONG_STATE);
    expect("work after stop", step, work->submit(work->context, &item), MUSTER_WRONG_STATE, MUSTER_WRONG_STATE);
}

static void call_everything(int step) {
    if (step == IN_ENTRY) return;
    call_host(step);
    call_server(step);
    call_others(step);
    if (step == IN_DESTROY) complain("all calls were made");
}
