/* muster/ext/metrics.h — numbers about the component, for Prometheus. */
#ifndef MUSTER_EXT_METRICS_H
#define MUSTER_EXT_METRICS_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_METRICS "muster.metrics/1"

/** What a metric counts. Frozen values. */
typedef uint32_t muster_metric_kind;
/** Grows only: `add`. Its name ends in `_total`. */
#define MUSTER_METRIC_COUNTER ((muster_metric_kind)1)
/** Goes up and down: `set` and `add`. */
#define MUSTER_METRIC_GAUGE ((muster_metric_kind)2)
/** Counts observations by size: `observe`. */
#define MUSTER_METRIC_HISTOGRAM ((muster_metric_kind)3)

/** Names one metric of the component. Never 0. */
typedef uint64_t muster_metric_id;
/** Names one series of a metric: one combination of its labels' values. Never 0. */
typedef uint64_t muster_series_id;

/** The longest name of a metric or label, and the longest value of a label, in bytes. */
#define MUSTER_METRIC_TEXT_LIMIT 128

/**
 * What a metric is. The host adds the label `component` and changes nothing else: the name is what Prometheus sees, so
 * it begins with something of your own, `inventory_items_total`, and never with `muster_` or `process_`.
 */
typedef struct muster_metric_spec {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    muster_metric_kind kind;
    uint32_t reserved;
    /**
     * Letters, digits and `_`, a letter first. A counter ends in `_total`; nothing else does, or in `_bucket`, `_count`,
     * `_sum`, `_created` or `_info`.
     */
    muster_string name;
    /** One line of help that ends with a full stop. */
    muster_string help;
    /** The base unit, `seconds` or `bytes`, with which the name then ends (before `_total`); empty: none. */
    muster_string unit;
    /**
     * Up to 8 names of labels: letters, digits and `_`, a letter first; not `component`, `le` or `quantile`. Values that
     * come from outside (paths, user names, addresses) make series without end: do not use them.
     */
    const muster_string *labels;
    size_t label_count;
    /**
     * Histograms only: up to 32 upper bounds, ascending, finite; the one for all the rest is the host's. None: those of
     * the host, from 0.005 to 10.
     */
    const double *buckets;
    size_t bucket_count;
} muster_metric_spec;

/**
 * What the host gives for metrics. They belong to this worker and begin at 0 with it; the host adds up what former
 * workers of the component counted, so that what Prometheus sees of counters and histograms does not go backwards
 * through reloads and crashes. What changed is taken over once a second.
 */
typedef struct muster_metrics {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Defines a metric; `spec` is copied. From create until stop. The same name with the same spec again is the same
     * metric.
     * @param metric where its number goes.
     * @param error where the reason of MUSTER_INVALID goes; may be NULL.
     * @return MUSTER_OK; MUSTER_INVALID where the spec breaks a rule above, or the name is taken by another spec;
     *         MUSTER_BUSY beyond 256 metrics; MUSTER_WRONG_STATE after stop or on another thread.
     * @since 1.0 [control-thread]
     */
    muster_status (*define)(void *context, const muster_metric_spec *spec, muster_metric_id *metric,
                            muster_error *error);
    /**
     * The series of a metric for these values of its labels, in their order; the same values give the same series. It
     * exists, at 0, from here on. Takes a lock for a moment: keep the answer where it is wanted often.
     * @param values UTF-8, each of at most MUSTER_METRIC_TEXT_LIMIT bytes; NULL for a metric without labels.
     * @param count as many as the metric has labels.
     * @return MUSTER_OK; MUSTER_INVALID for an unknown metric, a wrong count or a wrong value; MUSTER_BUSY beyond 2,000
     *         series of the component, which is logged once; MUSTER_WRONG_STATE after stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*series)(void *context, muster_metric_id metric, const muster_string *values, size_t count,
                            muster_series_id *series);
    /**
     * Adds to a counter or a gauge. Takes no lock.
     * @return MUSTER_OK; MUSTER_INVALID for an unknown series, a histogram, a number that is not finite, or one below 0
     *         for a counter.
     * @since 1.0 [any-thread]
     */
    muster_status (*add)(void *context, muster_series_id series, double amount);
    /**
     * Sets a gauge. Takes no lock.
     * @return MUSTER_OK; MUSTER_INVALID for an unknown series, what is no gauge, or a number that is not finite.
     * @since 1.0 [any-thread]
     */
    muster_status (*set)(void *context, muster_series_id series, double value);
    /**
     * Counts an observation in a histogram. Takes no lock.
     * @return MUSTER_OK; MUSTER_INVALID for an unknown series, what is no histogram, or a number that is not finite.
     * @since 1.0 [any-thread]
     */
    muster_status (*observe)(void *context, muster_series_id series, double value);
} muster_metrics;

#define MUSTER_METRIC_SPEC_SIZE_1_0 96
#define MUSTER_METRICS_SIZE_1_0 56

#ifdef __cplusplus
}
#endif

#endif
