/*
 * muster/core.h — the contract between the Muster host and a plugin.
 *
 * A plugin is one shared library that exports one function, muster_plugin_entry_v1. The host starts a process for it
 * (a worker), loads it once, and talks to it through the tables below. Nothing else crosses: no host symbol is looked
 * up by the plugin, no memory allocated on one side is freed on the other, and no exception, longjmp or language
 * runtime error passes through.
 *
 * EVOLUTION
 *   - What a released header declares never changes: no type, no offset, no meaning. Until release 1.0 is frozen,
 *     everything here may still change.
 *   - A new function goes at the end of its table, or into a new extension. Nothing is removed within a major version.
 *   - Every table and every options structure begins with struct_size, abi_major and abi_minor as its writer knew
 *     them. A reader asks MUSTER_HAS(table, field) before it uses a field newer than 1.0.
 *   - Leaf types (muster_string, muster_bytes, muster_header, muster_field, muster_value) are frozen and carry no size.
 *   - Arrays of structures that may grow are arrays of pointers to them.
 *
 * THREADS: each function ends its comment with one tag.
 *   [control-thread]  the worker's one control thread. Lifecycle calls come here, one at a time, and may block for
 *                     as long as their comment allows.
 *   [loop-thread: must not block]  one of the worker's event loops. Blocking it stalls other connections; ten seconds
 *                     of silence ends the worker.
 *   [any-thread]      callable from anywhere, concurrently, without blocking.
 *   [worker-pool: may block]  a thread of the host's bounded pool, made for blocking work.
 *
 * STRINGS are (pointer, length) in UTF-8, not terminated by NUL. Unless a comment says otherwise, what a pointer
 * names lives until the call that received it returns.
 *
 * TIMES are nanoseconds in uint64_t. A deadline is a point of CLOCK_MONOTONIC; a duration says so.
 *
 * Valid as C11 and as C++11 and later.
 */
#ifndef MUSTER_CORE_H
#define MUSTER_CORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The major version of this contract. A host refuses a plugin of another major. */
#define MUSTER_ABI_MAJOR 1
/** The newest minor this header knows. */
#define MUSTER_ABI_MINOR 0

/** Put before the definition of muster_plugin_entry_v1, so that it alone is visible. */
#if defined(__GNUC__)
#define MUSTER_EXPORT __attribute__((visibility("default")))
#else
#define MUSTER_EXPORT
#endif

/**
 * Whether the table or structure that `pointer` names reaches far enough to hold `field`. Use it before a field that
 * is newer than the minor you require.
 */
#define MUSTER_HAS(pointer, field) \
    ((size_t)(pointer)->struct_size >= offsetof(__typeof__(*(pointer)), field) + sizeof((pointer)->field))

/** The three first members of a table or options structure of `type`, for use inside an initialiser. */
#define MUSTER_INIT(type) .struct_size = (uint32_t)sizeof(type), .abi_major = MUSTER_ABI_MAJOR, .abi_minor = MUSTER_ABI_MINOR

/* ------------------------------------------------------------------------------------------------------ leaf types */

/** Text: UTF-8, `length` bytes at `data`, not terminated. An empty string may have a NULL `data`. Frozen. */
typedef struct muster_string {
    const char *data;
    size_t length;
} muster_string;

/** Bytes without a meaning of their own. Frozen. */
typedef struct muster_bytes {
    const uint8_t *data;
    size_t length;
} muster_bytes;

/** One HTTP header field: the name as sent (compare without regard to ASCII case), the value without outer blanks. Frozen. */
typedef struct muster_header {
    muster_string name;
    muster_string value;
} muster_header;

/** One key and value of a structured log line. Frozen. */
typedef struct muster_field {
    muster_string key;
    muster_string value;
} muster_field;

/** Makes a muster_string of a string literal, as an expression. C only; C++ writes muster_string{"text", 4}. */
#define MUSTER_STRING(literal) ((muster_string){(literal), sizeof(literal) - 1})
/** The same as an initialiser, for constants: a manifest's members. C and C++. */
#define MUSTER_STRING_INIT(literal) {(literal), sizeof(literal) - 1}

/** What a call came to. Frozen values; a newer host may add more, so treat an unknown one as MUSTER_FAILED. */
typedef uint32_t muster_status;
/** Done. */
#define MUSTER_OK ((muster_status)0)
/** It did not work; the muster_error, where there is one, says why. */
#define MUSTER_FAILED ((muster_status)1)
/** An argument is not allowed: a NULL, a name the manifest does not declare, text that is not UTF-8. */
#define MUSTER_INVALID ((muster_status)2)
/** The call does not fit the present state: twice, too early, too late. */
#define MUSTER_WRONG_STATE ((muster_status)3)
/** What the handle named has ended: the exchange was answered, its client has gone, the timer was cancelled. */
#define MUSTER_GONE ((muster_status)4)
/** A bounded resource is full: try again later, or do less. */
#define MUSTER_BUSY ((muster_status)5)
/** The host does not offer this, or the configuration does not allow it. */
#define MUSTER_UNSUPPORTED ((muster_status)6)
/** The operator's configuration is wrong. From prepare: the host waits for a reload instead of trying again. */
#define MUSTER_CONFIGURATION ((muster_status)7)

/** The bytes of a muster_error's message, the terminating NUL included. */
#define MUSTER_ERROR_CAPACITY 1024

/**
 * Where a failing call puts its reason, for a person. The caller owns it and sets struct_size; the callee writes at
 * most MUSTER_ERROR_CAPACITY - 1 bytes of UTF-8 and a NUL. It may be NULL: then no reason is wanted.
 */
typedef struct muster_error {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** What happened, where, and what to do about it; UTF-8, NUL-terminated. */
    char message[MUSTER_ERROR_CAPACITY];
    /** The option that is to blame, by its dotted name, or an empty string: the host adds file, line and column. */
    char option[128];
} muster_error;

/* ---------------------------------------------------------------------------------------------------------- options */

/** The type of an option or of a value. Frozen values. */
typedef uint32_t muster_type;
/** true or false: `as.boolean`, 0 or 1. */
#define MUSTER_TYPE_BOOL ((muster_type)1)
/** A whole number: `as.integer`. */
#define MUSTER_TYPE_INTEGER ((muster_type)2)
/** A number: `as.number`. */
#define MUSTER_TYPE_NUMBER ((muster_type)3)
/** Text: `as.string`. */
#define MUSTER_TYPE_STRING ((muster_type)4)
/** A length of time, written `250ms`, `10s`, `5m`, `1h30m`, `7d`: `as.integer`, nanoseconds, never negative. */
#define MUSTER_TYPE_DURATION ((muster_type)5)
/** A number of bytes, written `512`, `64KiB`, `10MB`: `as.integer`, never negative. */
#define MUSTER_TYPE_BYTES ((muster_type)6)
/** A path of a file or folder; a relative one was resolved against the configuration file's folder: `as.string`. */
#define MUSTER_TYPE_PATH ((muster_type)7)
/** An absolute http or https URL: `as.string`. */
#define MUSTER_TYPE_URL ((muster_type)8)
/** One of the option's choices: `as.string`. */
#define MUSTER_TYPE_ENUM ((muster_type)9)
/** An address and port, `host:port` or `[v6]:port`: `as.string`. */
#define MUSTER_TYPE_ADDRESS ((muster_type)10)
/** A list of values of one type: `as.list`. */
#define MUSTER_TYPE_LIST ((muster_type)11)

/** The value of an option, checked by the host against the manifest. Frozen. */
typedef struct muster_value {
    /** Which member of `as` holds it. */
    muster_type type;
    uint32_t reserved;
    union {
        uint32_t boolean;
        int64_t integer;
        double number;
        muster_string string;
        struct {
            const struct muster_value *items;
            size_t count;
        } list;
    } as;
} muster_value;

/** The operator must give a value: there is no default. */
#define MUSTER_OPTION_REQUIRED ((uint32_t)1)
/** The value is a secret: it never appears in logs, status or `muster check`, and may be given as `{file: path}`. */
#define MUSTER_OPTION_SECRET ((uint32_t)2)

/**
 * One option that the plugin reads from `components.<Name>.config`. The host checks the operator's YAML against it, and
 * the manual and the JSON Schema are made from it. Text members use the syntax the operator writes.
 */
typedef struct muster_option {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Lower-case words joined by `_`; a dot makes a group: `cache.max_entries` is `cache: {max_entries: …}`. */
    muster_string name;
    muster_type type;
    /** For MUSTER_TYPE_LIST the type of its items (not a list), otherwise 0. */
    muster_type item_type;
    /** MUSTER_OPTION_… joined by |. */
    uint32_t flags;
    uint32_t reserved;
    /** The value when the operator gives none, as YAML; empty: there is none, and find() answers NULL. */
    muster_string default_value;
    /** The least and greatest value allowed (for text and lists: length), as text; empty: no bound. */
    muster_string minimum;
    muster_string maximum;
    /** What a plain number counts, for the manual: `connections`, `requests/s`; empty where the type says it. */
    muster_string unit;
    /** One line of help that ends with a full stop. */
    muster_string help;
    /** For MUSTER_TYPE_ENUM (or a list of them) the allowed words. */
    const muster_string *choices;
    size_t choice_count;
} muster_option;

/** The checked options of one component. */
typedef struct muster_options {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * The value of the option `name` (dotted): what the operator wrote, otherwise the default; NULL where there is
     * neither or the manifest does not declare the name. The value lives until the component's destroy returns.
     * @since 1.0 [any-thread]
     */
    const muster_value *(*find)(void *context, muster_string name);
} muster_options;

/* --------------------------------------------------------------------------------------------------------- manifest */

/** How a listener speaks. Frozen values. */
typedef uint32_t muster_transport;
/** HTTP/1.1 without TLS. */
#define MUSTER_TRANSPORT_HTTP ((muster_transport)1)
/** HTTP/1.1 over TLS. */
#define MUSTER_TRANSPORT_HTTPS ((muster_transport)2)
/** The plugin speaks its own protocol on the bound socket (muster.listener/1). */
#define MUSTER_TRANSPORT_RAW ((muster_transport)3)

/** Whether clients show a certificate. The operator may only tighten it. Frozen values. */
typedef uint32_t muster_client_certificate;
#define MUSTER_CLIENT_CERTIFICATE_NONE ((muster_client_certificate)0)
#define MUSTER_CLIENT_CERTIFICATE_OPTIONAL ((muster_client_certificate)1)
#define MUSTER_CLIENT_CERTIFICATE_REQUIRED ((muster_client_certificate)2)

/** A listener that the plugin serves: its documented port, which the operator may move in `listen`. */
typedef struct muster_listener_spec {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Unique in the manifest, lower-case: `updates`. */
    muster_string name;
    muster_transport transport;
    muster_client_certificate client_certificate;
    /** The documented TCP port, 1 to 65535. */
    uint32_t port;
    uint32_t reserved;
    /** One line of help that ends with a full stop. */
    muster_string help;
} muster_listener_spec;

/** Which side of the bus a declaration is. Frozen values. */
typedef uint32_t muster_bus_role;
/** Offers a service that others call. */
#define MUSTER_BUS_SERVES ((muster_bus_role)1)
/** Calls a service that another component offers. */
#define MUSTER_BUS_CALLS ((muster_bus_role)2)
/** Publishes events under a topic. */
#define MUSTER_BUS_PUBLISHES ((muster_bus_role)3)
/** Receives events published under a topic. */
#define MUSTER_BUS_SUBSCRIBES ((muster_bus_role)4)

/** One service or topic that the plugin offers or uses on the host's bus. */
typedef struct muster_bus_spec {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    muster_bus_role role;
    uint32_t reserved;
    /** The service or topic: `definitions.activated`. What begins with `host.` can be called and subscribed to only. */
    muster_string name;
    /** One line of help that ends with a full stop. */
    muster_string help;
} muster_bus_spec;

/** The helper may read every file that its user may: it gets a descriptor of the root folder, and may open below it. */
#define MUSTER_PROCESS_READS_FILES ((uint32_t)1)
/** The helper may make, write and remove files below the component's state directory. */
#define MUSTER_PROCESS_WRITES_STATE ((uint32_t)2)

/** One program that the plugin may have the host start, sealed, with a socket to it (muster.process/1). */
typedef struct muster_process_spec {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Unique in the manifest, lower-case words joined by `_`: `sweeper`. */
    muster_string name;
    /**
     * The program's file name, without a folder: `muster-sweeper`. It is looked for beside the plugin, then beside the
     * host; it must be an ELF program that nobody but root and the host's user can change, and runs from a copy.
     */
    muster_string program;
    /** MUSTER_PROCESS_… joined by |: what it may do beyond nothing. */
    uint32_t flags;
    uint32_t reserved;
    /**
     * Linux capabilities it cannot do without, by name. The operator grants them in YAML, to the helpers alone, under
     * `helpers: {grants: […]}`; without the grant the component is not started.
     */
    const muster_string *capabilities;
    size_t capability_count;
    /** One line of help that ends with a full stop. */
    muster_string help;
} muster_process_spec;

struct muster_host;
struct muster_component;

/**
 * The manifest: what the plugin is, needs and offers. A constant that the entry point returns; it lives as long as the
 * process.
 */
typedef struct muster_plugin {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Yours, handed back to create; may be NULL. */
    void *context;
    /** Reverse DNS, unique in the world: `com.example.inventory`. */
    muster_string id;
    /** For people: `Inventory`. */
    muster_string name;
    /** Semantic version 2.0.0: `1.4.2`. */
    muster_string version;
    /** One line that ends with a full stop. */
    muster_string summary;
    muster_string vendor;
    /** An SPDX licence expression: `MIT`. */
    muster_string licence;
    muster_string url;
    /** The oldest minor of MUSTER_ABI_MAJOR this plugin can live with; an older host refuses it with a message. */
    uint32_t minimum_abi_minor;
    uint32_t reserved;
    /** Extensions without which the plugin cannot work: the host refuses to load it where one is missing. */
    const muster_string *required_extensions;
    size_t required_extension_count;
    const muster_listener_spec *const *listeners;
    size_t listener_count;
    const muster_bus_spec *const *bus;
    size_t bus_count;
    const muster_option *const *options;
    size_t option_count;
    /**
     * Linux capabilities the component cannot do without, by name (`CAP_DAC_READ_SEARCH`). The operator grants them in
     * YAML; without the grant it is not started.
     */
    const muster_string *required_capabilities;
    size_t required_capability_count;
    /**
     * Makes the component, once for each worker. `host` and `*component` live until destroy returns. Do little: read
     * nothing, start nothing; that belongs to prepare. Must return within 10 seconds.
     * @param context this manifest's context.
     * @param host the host's table; its get_extension works already.
     * @param component where the plugin puts its table; it owns the memory.
     * @param error where a failure's reason goes; never NULL.
     * @return MUSTER_OK, or a failure, after which destroy is not called.
     * @since 1.0 [control-thread]
     */
    muster_status (*create)(void *context, const struct muster_host *host, const struct muster_component **component,
                            muster_error *error);
    /** Programs that it may have the host start. */
    const muster_process_spec *const *processes;
    size_t process_count;
} muster_plugin;

/* ------------------------------------------------------------------------------------------------------------- host */

/** How much a log line matters. Frozen values; the names are those of swift-log. */
typedef uint32_t muster_log_level;
#define MUSTER_LOG_TRACE ((muster_log_level)0)
#define MUSTER_LOG_DEBUG ((muster_log_level)1)
#define MUSTER_LOG_INFO ((muster_log_level)2)
#define MUSTER_LOG_NOTICE ((muster_log_level)3)
#define MUSTER_LOG_WARNING ((muster_log_level)4)
#define MUSTER_LOG_ERROR ((muster_log_level)5)
#define MUSTER_LOG_CRITICAL ((muster_log_level)6)

/** What the plugin may want to know of where it runs. Lives as long as the host table. */
typedef struct muster_host_facts {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** The host's version: `1.0.0`. */
    muster_string host_version;
    /** The component's name in the configuration: `UpdateDistributor`. */
    muster_string component;
    /** The number of the configuration that started this worker; grows with each reload. */
    uint64_t generation;
    /** The number of event loops in this worker. */
    uint32_t loop_count;
    uint32_t reserved;
} muster_host_facts;

/** What the host gives every component. */
typedef struct muster_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * The table of an extension by its whole id, `muster.timer/1`; NULL where the host does not have it. The answer is
     * the same for the component's whole life, and the table lives until destroy returns.
     * @since 1.0 [any-thread]
     */
    const void *(*get_extension)(void *context, muster_string id);
    /**
     * Writes a log line under the component's name. `message` is one sentence without a secret; what varies belongs in
     * `fields` (may be NULL when `field_count` is 0). Line breaks are escaped. Under a flood, lines are dropped and
     * counted rather than anything blocked.
     * @since 1.0 [any-thread]
     */
    void (*log)(void *context, muster_log_level level, muster_string message, const muster_field *fields,
                size_t field_count);
    /**
     * The least level that is written at present; ask before building an expensive line.
     * @since 1.0 [any-thread]
     */
    muster_log_level (*log_threshold)(void *context);
    /**
     * The facts of this host and component; never NULL.
     * @since 1.0 [any-thread]
     */
    const muster_host_facts *(*facts)(void *context);
    /**
     * Reports that the component cannot go on: the reason is logged and shown in status, and the worker is replaced
     * under the rules of supervision. Returns; the lifecycle then ends as usual.
     * @since 1.0 [any-thread]
     */
    void (*fail)(void *context, muster_string reason);
} muster_host;

/* -------------------------------------------------------------------------------------------------------- component */

/** Where a component writes bytes that the host keeps. Valid until the call that received it returns. */
typedef struct muster_sink {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Appends bytes. MUSTER_BUSY where the total would pass 8 MiB; then nothing of this call was kept.
     * @since 1.0 [control-thread]
     */
    muster_status (*write)(void *context, muster_bytes bytes);
} muster_sink;

/**
 * The component's lifecycle, as the host calls it:
 *
 *     create ─► prepare ═► activate ─► quiesce ─► release ─► stop ─► destroy
 *                             ▲                      │
 *                             └── the newer one failed: activate again with the released state
 *
 * After a failed prepare only destroy follows. A worker that was prepared but is not wanted gets stop and destroy.
 * On a crash nothing follows: the next worker is activated with empty state.
 */
typedef struct muster_component {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * A table of the component's own by its whole id, for the host and for other plugins that know it; NULL where
     * there is none.
     * @since 1.0 [any-thread]
     */
    const void *(*get_extension)(void *context, muster_string id);
    /**
     * Gets ready beside the running generation: reads options, checks files, asks for its listeners (which are bound
     * and do not accept yet). Takes nothing exclusive: no writer of a database, no lock, no renewal. Within 10 seconds.
     * @param options the checked options; live until destroy returns.
     * @return MUSTER_OK; MUSTER_CONFIGURATION where the operator must change something (set error->option).
     * @since 1.0 [control-thread]
     */
    muster_status (*prepare)(void *context, const muster_options *options, muster_error *error);
    /**
     * Takes what is exclusive and starts work. The listeners begin to accept when it returns. Within 10 seconds.
     * @param state what the former generation's release wrote, of whatever version; empty on a first start or after a
     *              crash.
     * @since 1.0 [control-thread]
     */
    muster_status (*activate)(void *context, muster_bytes state, muster_error *error);
    /**
     * Takes no new work: the listeners no longer accept; end long polls and event streams at once, finish what is
     * short. Return by `deadline` (CLOCK_MONOTONIC, ns) at the latest. Requests that come on open connections are still
     * delivered, and answered as well as can be without what release gives up.
     * @since 1.0 [control-thread]
     */
    muster_status (*quiesce)(void *context, uint64_t deadline, muster_error *error);
    /**
     * Gives up what is exclusive and writes the state that the next generation needs, versioned, as bytes. After it,
     * transfers under way may go on until stop.
     * @since 1.0 [control-thread]
     */
    muster_status (*release)(void *context, const muster_sink *state, muster_error *error);
    /**
     * Ends: when it returns, no thread of the plugin runs, and the plugin calls nothing of the host's but log. Within
     * 5 seconds.
     * @since 1.0 [control-thread]
     */
    void (*stop)(void *context);
    /**
     * Frees the component. The last call; the host's tables end with it.
     * @since 1.0 [control-thread]
     */
    void (*destroy)(void *context);
} muster_component;

/* ------------------------------------------------------------------------------------------------------------ entry */

/** The name of the one symbol a plugin exports. */
#define MUSTER_PLUGIN_ENTRY_SYMBOL "muster_plugin_entry_v1"

/**
 * The one exported symbol: returns the manifest, a constant, the same one each time. Starts no thread, opens nothing,
 * takes next to no time. Defined by the plugin.
 * @since 1.0 [control-thread]
 */
MUSTER_EXPORT const muster_plugin *muster_plugin_entry_v1(void);

/* The sizes of release 1.0: what a reader may rely on without MUSTER_HAS. */
#define MUSTER_ERROR_SIZE_1_0 1160
#define MUSTER_OPTION_SIZE_1_0 136
#define MUSTER_OPTIONS_SIZE_1_0 24
#define MUSTER_LISTENER_SPEC_SIZE_1_0 56
#define MUSTER_BUS_SPEC_SIZE_1_0 48
#define MUSTER_PROCESS_SPEC_SIZE_1_0 80
#define MUSTER_PLUGIN_SIZE_1_0 240
#define MUSTER_HOST_FACTS_SIZE_1_0 56
#define MUSTER_HOST_SIZE_1_0 56
#define MUSTER_SINK_SIZE_1_0 24
#define MUSTER_COMPONENT_SIZE_1_0 72

#ifdef __cplusplus
}
#endif

#endif
