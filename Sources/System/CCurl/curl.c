#define _GNU_SOURCE
#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The oldest that has all we call: CURLOPT_QUICK_EXIT came with it. */
#define OLDEST_VERSION 0x075700
#define OLDEST_VERSION_TEXT "7.87"

#define EACH_FUNCTION(USE)      \
    USE(curl_global_init)       \
    USE(curl_version)           \
    USE(curl_version_info)      \
    USE(curl_easy_init)         \
    USE(curl_easy_cleanup)      \
    USE(curl_easy_reset)        \
    USE(curl_easy_setopt)       \
    USE(curl_easy_getinfo)      \
    USE(curl_easy_pause)        \
    USE(curl_easy_strerror)     \
    USE(curl_multi_init)        \
    USE(curl_multi_cleanup)     \
    USE(curl_multi_setopt)      \
    USE(curl_multi_add_handle)  \
    USE(curl_multi_remove_handle) \
    USE(curl_multi_perform)     \
    USE(curl_multi_poll)        \
    USE(curl_multi_wakeup)      \
    USE(curl_multi_info_read)   \
    USE(curl_multi_strerror)    \
    USE(curl_share_init)        \
    USE(curl_share_setopt)      \
    USE(curl_share_cleanup)     \
    USE(curl_slist_append)      \
    USE(curl_slist_free_all)    \
    USE(curl_url)               \
    USE(curl_url_cleanup)       \
    USE(curl_url_set)           \
    USE(curl_url_get)           \
    USE(curl_url_strerror)      \
    USE(curl_free)              \
    USE(curl_getdate)

/* The library's functions under their own names. */
#define MEMBER(name) __typeof__(name) *name;
static struct { EACH_FUNCTION(MEMBER) } library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static int find(void *handle, const char *name, void **function) {
    *function = dlsym(handle, name);
    if (*function == NULL) snprintf(failure, sizeof failure, "%s lacks %s", CCURL_LIBRARY, name);
    return *function != NULL;
}

static void load(void) {
    /* Never closed: transfers' threads may be in it until the process ends. */
    void *handle = dlopen(CCURL_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        const char *reason = dlerror();
        snprintf(failure, sizeof failure, "%s", reason != NULL ? reason : CCURL_LIBRARY " cannot be loaded");
        return;
    }
#define FIND(name) \
    if (!find(handle, #name, (void **)&library.name)) return;
    EACH_FUNCTION(FIND)
    const curl_version_info_data *found = library.curl_version_info(CURLVERSION_NOW);
    if (found->version_num < OLDEST_VERSION) {
        snprintf(failure, sizeof failure, "%s is version %s, and " OLDEST_VERSION_TEXT " or newer is needed",
                 CCURL_LIBRARY, found->version);
        return;
    }
    /* What it hands us as an SSL_CTX is used with our own OpenSSL: the same library, or nothing works. */
    if (found->ssl_version == NULL || strncmp(found->ssl_version, "OpenSSL/3.", 10) != 0) {
        snprintf(failure, sizeof failure, "%s was built with %s, and OpenSSL 3 is needed", CCURL_LIBRARY,
                 found->ssl_version != NULL ? found->ssl_version : "no TLS");
        return;
    }
    CURLcode code = library.curl_global_init(CURL_GLOBAL_ALL);
    if (code != CURLE_OK)
        snprintf(failure, sizeof failure, "%s cannot be initialised: %s", CCURL_LIBRARY, library.curl_easy_strerror(code));
}

const char *ccurl_load(void) {
    pthread_once(&once, load);
    return failure[0] == 0 ? NULL : failure;
}

const char *ccurl_version(void) { return library.curl_version(); }

CURL *ccurl_make(void) { return library.curl_easy_init(); }
void ccurl_free(CURL *transfer) { library.curl_easy_cleanup(transfer); }
void ccurl_reset(CURL *transfer) { library.curl_easy_reset(transfer); }

CURLcode ccurl_set_number(CURL *transfer, CURLoption option, long value) {
    return library.curl_easy_setopt(transfer, option, value);
}

CURLcode ccurl_set_size(CURL *transfer, CURLoption option, int64_t value) {
    return library.curl_easy_setopt(transfer, option, (curl_off_t)value);
}

CURLcode ccurl_set_text(CURL *transfer, CURLoption option, const char *text) {
    return library.curl_easy_setopt(transfer, option, text);
}

CURLcode ccurl_set_pointer(CURL *transfer, CURLoption option, void *pointer) {
    return library.curl_easy_setopt(transfer, option, pointer);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)context, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(option, value)                                                                   \
    do {                                                                                     \
        CURLcode code = library.curl_easy_setopt(transfer, option, value);                   \
        if (code != CURLE_OK) return code;                                                   \
    } while (0)

CURLcode ccurl_set_callbacks(CURL *transfer, const ccurl_callbacks *callbacks, void *context) {
    SET(CURLOPT_WRITEFUNCTION, callbacks->write);
    SET(CURLOPT_WRITEDATA, context);
    SET(CURLOPT_HEADERFUNCTION, callbacks->header);
    SET(CURLOPT_HEADERDATA, context);
    SET(CURLOPT_READFUNCTION, callbacks->read);
    SET(CURLOPT_READDATA, context);
    SET(CURLOPT_SEEKFUNCTION, callbacks->seek);
    SET(CURLOPT_SEEKDATA, context);
    SET(CURLOPT_PREREQFUNCTION, callbacks->before_request);
    SET(CURLOPT_PREREQDATA, context);
    SET(CURLOPT_SSL_CTX_FUNCTION, callbacks->set_up_tls);
    SET(CURLOPT_SSL_CTX_DATA, context);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return CURLE_OK;
}

long ccurl_number(CURL *transfer, CURLINFO information) {
    long value = 0;
    return library.curl_easy_getinfo(transfer, information, &value) == CURLE_OK ? value : 0;
}

void *ccurl_tls(CURL *transfer) {
    struct curl_tlssessioninfo *found = NULL;
    if (library.curl_easy_getinfo(transfer, CURLINFO_TLS_SSL_PTR, &found) != CURLE_OK || found == NULL) return NULL;
    return found->backend == CURLSSLBACKEND_OPENSSL ? found->internals : NULL;
}

CURLcode ccurl_pause(CURL *transfer, int bitmask) { return library.curl_easy_pause(transfer, bitmask); }
const char *ccurl_error_text(CURLcode code) { return library.curl_easy_strerror(code); }

CURLM *ccurl_multi_make(void) { return library.curl_multi_init(); }
void ccurl_multi_free(CURLM *multi) { library.curl_multi_cleanup(multi); }

CURLMcode ccurl_multi_set_number(CURLM *multi, CURLMoption option, long value) {
    return library.curl_multi_setopt(multi, option, value);
}

CURLMcode ccurl_multi_add(CURLM *multi, CURL *transfer) { return library.curl_multi_add_handle(multi, transfer); }
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *transfer) { return library.curl_multi_remove_handle(multi, transfer); }

CURLMcode ccurl_multi_perform(CURLM *multi) {
    int running = 0;
    return library.curl_multi_perform(multi, &running);
}

CURLMcode ccurl_multi_wait(CURLM *multi, int milliseconds) {
    return library.curl_multi_poll(multi, NULL, 0, milliseconds, NULL);
}

void ccurl_multi_wake(CURLM *multi) { (void)library.curl_multi_wakeup(multi); }

CURL *ccurl_multi_ended(CURLM *multi, CURLcode *code) {
    int left = 0;
    CURLMsg *message;
    while ((message = library.curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        *code = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

const char *ccurl_multi_error_text(CURLMcode code) { return library.curl_multi_strerror(code); }

CURLSH *ccurl_share_sessions(void) {
    CURLSH *share = library.curl_share_init();
    if (share == NULL) return NULL;
    if (library.curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK) return share;
    library.curl_share_cleanup(share);
    return NULL;
}

void ccurl_share_free(CURLSH *share) { library.curl_share_cleanup(share); }

struct curl_slist *ccurl_append(struct curl_slist *list, const char *line) {
    return library.curl_slist_append(list, line);
}

void ccurl_free_list(struct curl_slist *list) { library.curl_slist_free_all(list); }

CURLU *ccurl_url_make(void) { return library.curl_url(); }
void ccurl_url_free(CURLU *url) { library.curl_url_cleanup(url); }

CURLUcode ccurl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags) {
    return library.curl_url_set(url, part, text, flags);
}

CURLUcode ccurl_url_get(CURLU *url, CURLUPart part, char **text, unsigned int flags) {
    return library.curl_url_get(url, part, text, flags);
}

void ccurl_free_text(char *text) { library.curl_free(text); }
const char *ccurl_url_error_text(CURLUcode code) { return library.curl_url_strerror(code); }

int64_t ccurl_date(const char *text) { return library.curl_getdate(text, NULL); }
