/*
 * layout.c — the promise that no structure of release 1.0 moves.
 *
 * These numbers hold on every platform with 64-bit pointers and longs (x86-64, aarch64). A line that fails to compile
 * means that a plugin built earlier would read the wrong memory: put the header back, and add what is new at the end of
 * its table or in an extension. For a new structure, `scripts/abi-layout NAME` prints the lines to add.
 */
#include <muster/muster.h>

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "the ABI is defined for 64-bit platforms");

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the size of " #type " is part of the ABI")
#define OFFSET(type, member, bytes) \
    _Static_assert(offsetof(type, member) == (bytes), "the place of " #type "." #member " is part of the ABI")

#define FIRST_SIZE(constant, type, bytes)                                   \
    _Static_assert((constant) == (bytes), #constant " is part of the ABI"); \
    _Static_assert((constant) <= sizeof(type), #type " only ever grows")

/* What a reader may rely on without MUSTER_HAS. When a structure grows, these stay and its SIZE line grows. */
FIRST_SIZE(MUSTER_BUS_ANSWER_SIZE_1_0, muster_bus_answer, 48);
FIRST_SIZE(MUSTER_BUS_CALL_OPTIONS_SIZE_1_0, muster_bus_call_options, 80);
FIRST_SIZE(MUSTER_BUS_MESSAGE_SIZE_1_0, muster_bus_message, 56);
FIRST_SIZE(MUSTER_BUS_REQUEST_SIZE_1_0, muster_bus_request, 88);
FIRST_SIZE(MUSTER_BUS_SERVER_SIZE_1_0, muster_bus_server, 24);
FIRST_SIZE(MUSTER_BUS_SIZE_1_0, muster_bus, 64);
FIRST_SIZE(MUSTER_BUS_SPEC_SIZE_1_0, muster_bus_spec, 48);
FIRST_SIZE(MUSTER_BUS_SUBSCRIBER_SIZE_1_0, muster_bus_subscriber, 24);
FIRST_SIZE(MUSTER_COMPONENT_SIZE_1_0, muster_component, 72);
FIRST_SIZE(MUSTER_ERROR_SIZE_1_0, muster_error, 1160);
FIRST_SIZE(MUSTER_FILE_SIZE_1_0, muster_file, 48);
FIRST_SIZE(MUSTER_HOST_FACTS_SIZE_1_0, muster_host_facts, 56);
FIRST_SIZE(MUSTER_HOST_SIZE_1_0, muster_host, 56);
FIRST_SIZE(MUSTER_HTTP_CLIENT_ANSWER_SIZE_1_0, muster_http_client_answer, 72);
FIRST_SIZE(MUSTER_HTTP_CLIENT_HANDLER_SIZE_1_0, muster_http_client_handler, 40);
FIRST_SIZE(MUSTER_HTTP_CLIENT_REQUEST_SIZE_1_0, muster_http_client_request, 256);
FIRST_SIZE(MUSTER_HTTP_CLIENT_RESULT_SIZE_1_0, muster_http_client_result, 64);
FIRST_SIZE(MUSTER_HTTP_CLIENT_SIZE_1_0, muster_http_client, 48);
FIRST_SIZE(MUSTER_HTTP_HANDLER_SIZE_1_0, muster_http_handler, 56);
FIRST_SIZE(MUSTER_HTTP_LIMITS_SIZE_1_0, muster_http_limits, 56);
FIRST_SIZE(MUSTER_HTTP_REQUEST_SIZE_1_0, muster_http_request, 120);
FIRST_SIZE(MUSTER_HTTP_SERVER_SIZE_1_0, muster_http_server, 88);
FIRST_SIZE(MUSTER_LISTENER_HANDLER_SIZE_1_0, muster_listener_handler, 32);
FIRST_SIZE(MUSTER_LISTENER_SIZE_1_0, muster_listener, 24);
FIRST_SIZE(MUSTER_LISTENER_SPEC_SIZE_1_0, muster_listener_spec, 56);
FIRST_SIZE(MUSTER_METRICS_SIZE_1_0, muster_metrics, 56);
FIRST_SIZE(MUSTER_METRIC_SPEC_SIZE_1_0, muster_metric_spec, 96);
FIRST_SIZE(MUSTER_OPTIONS_SIZE_1_0, muster_options, 24);
FIRST_SIZE(MUSTER_OPTION_SIZE_1_0, muster_option, 136);
FIRST_SIZE(MUSTER_PLUGIN_SIZE_1_0, muster_plugin, 240);
FIRST_SIZE(MUSTER_PROCESS_HANDLER_SIZE_1_0, muster_process_handler, 40);
FIRST_SIZE(MUSTER_PROCESS_SIZE_1_0, muster_process, 32);
FIRST_SIZE(MUSTER_PROCESS_SPEC_SIZE_1_0, muster_process_spec, 80);
FIRST_SIZE(MUSTER_SINK_SIZE_1_0, muster_sink, 24);
FIRST_SIZE(MUSTER_STATE_SIZE_1_0, muster_state, 24);
FIRST_SIZE(MUSTER_TIMER_OPTIONS_SIZE_1_0, muster_timer_options, 48);
FIRST_SIZE(MUSTER_TIMER_SIZE_1_0, muster_timer, 32);
FIRST_SIZE(MUSTER_TLS_IDENTITY_SIZE_1_0, muster_tls_identity, 40);
FIRST_SIZE(MUSTER_WORK_ITEM_SIZE_1_0, muster_work_item, 32);
FIRST_SIZE(MUSTER_WORK_SIZE_1_0, muster_work, 24);

SIZE(muster_string, 16);
OFFSET(muster_string, data, 0);
OFFSET(muster_string, length, 8);

SIZE(muster_bytes, 16);
OFFSET(muster_bytes, data, 0);
OFFSET(muster_bytes, length, 8);

SIZE(muster_header, 32);
OFFSET(muster_header, name, 0);
OFFSET(muster_header, value, 16);

SIZE(muster_field, 32);
OFFSET(muster_field, key, 0);
OFFSET(muster_field, value, 16);

SIZE(muster_error, 1160);
OFFSET(muster_error, struct_size, 0);
OFFSET(muster_error, abi_major, 4);
OFFSET(muster_error, abi_minor, 6);
OFFSET(muster_error, message, 8);
OFFSET(muster_error, option, 1032);

SIZE(muster_value, 24);
OFFSET(muster_value, type, 0);
OFFSET(muster_value, reserved, 4);
OFFSET(muster_value, as, 8);

SIZE(muster_option, 136);
OFFSET(muster_option, struct_size, 0);
OFFSET(muster_option, abi_major, 4);
OFFSET(muster_option, abi_minor, 6);
OFFSET(muster_option, name, 8);
OFFSET(muster_option, type, 24);
OFFSET(muster_option, item_type, 28);
OFFSET(muster_option, flags, 32);
OFFSET(muster_option, reserved, 36);
OFFSET(muster_option, default_value, 40);
OFFSET(muster_option, minimum, 56);
OFFSET(muster_option, maximum, 72);
OFFSET(muster_option, unit, 88);
OFFSET(muster_option, help, 104);
OFFSET(muster_option, choices, 120);
OFFSET(muster_option, choice_count, 128);

SIZE(muster_options, 24);
OFFSET(muster_options, struct_size, 0);
OFFSET(muster_options, abi_major, 4);
OFFSET(muster_options, abi_minor, 6);
OFFSET(muster_options, context, 8);
OFFSET(muster_options, find, 16);

SIZE(muster_listener_spec, 56);
OFFSET(muster_listener_spec, struct_size, 0);
OFFSET(muster_listener_spec, abi_major, 4);
OFFSET(muster_listener_spec, abi_minor, 6);
OFFSET(muster_listener_spec, name, 8);
OFFSET(muster_listener_spec, transport, 24);
OFFSET(muster_listener_spec, client_certificate, 28);
OFFSET(muster_listener_spec, port, 32);
OFFSET(muster_listener_spec, reserved, 36);
OFFSET(muster_listener_spec, help, 40);

SIZE(muster_bus_spec, 48);
OFFSET(muster_bus_spec, struct_size, 0);
OFFSET(muster_bus_spec, abi_major, 4);
OFFSET(muster_bus_spec, abi_minor, 6);
OFFSET(muster_bus_spec, role, 8);
OFFSET(muster_bus_spec, reserved, 12);
OFFSET(muster_bus_spec, name, 16);
OFFSET(muster_bus_spec, help, 32);

SIZE(muster_process_spec, 80);
OFFSET(muster_process_spec, struct_size, 0);
OFFSET(muster_process_spec, abi_major, 4);
OFFSET(muster_process_spec, abi_minor, 6);
OFFSET(muster_process_spec, name, 8);
OFFSET(muster_process_spec, program, 24);
OFFSET(muster_process_spec, flags, 40);
OFFSET(muster_process_spec, reserved, 44);
OFFSET(muster_process_spec, capabilities, 48);
OFFSET(muster_process_spec, capability_count, 56);
OFFSET(muster_process_spec, help, 64);

SIZE(muster_plugin, 240);
OFFSET(muster_plugin, struct_size, 0);
OFFSET(muster_plugin, abi_major, 4);
OFFSET(muster_plugin, abi_minor, 6);
OFFSET(muster_plugin, context, 8);
OFFSET(muster_plugin, id, 16);
OFFSET(muster_plugin, name, 32);
OFFSET(muster_plugin, version, 48);
OFFSET(muster_plugin, summary, 64);
OFFSET(muster_plugin, vendor, 80);
OFFSET(muster_plugin, licence, 96);
OFFSET(muster_plugin, url, 112);
OFFSET(muster_plugin, minimum_abi_minor, 128);
OFFSET(muster_plugin, reserved, 132);
OFFSET(muster_plugin, required_extensions, 136);
OFFSET(muster_plugin, required_extension_count, 144);
OFFSET(muster_plugin, listeners, 152);
OFFSET(muster_plugin, listener_count, 160);
OFFSET(muster_plugin, bus, 168);
OFFSET(muster_plugin, bus_count, 176);
OFFSET(muster_plugin, options, 184);
OFFSET(muster_plugin, option_count, 192);
OFFSET(muster_plugin, required_capabilities, 200);
OFFSET(muster_plugin, required_capability_count, 208);
OFFSET(muster_plugin, create, 216);
OFFSET(muster_plugin, processes, 224);
OFFSET(muster_plugin, process_count, 232);

SIZE(muster_host_facts, 56);
OFFSET(muster_host_facts, struct_size, 0);
OFFSET(muster_host_facts, abi_major, 4);
OFFSET(muster_host_facts, abi_minor, 6);
OFFSET(muster_host_facts, host_version, 8);
OFFSET(muster_host_facts, component, 24);
OFFSET(muster_host_facts, generation, 40);
OFFSET(muster_host_facts, loop_count, 48);
OFFSET(muster_host_facts, reserved, 52);

SIZE(muster_host, 56);
OFFSET(muster_host, struct_size, 0);
OFFSET(muster_host, abi_major, 4);
OFFSET(muster_host, abi_minor, 6);
OFFSET(muster_host, context, 8);
OFFSET(muster_host, get_extension, 16);
OFFSET(muster_host, log, 24);
OFFSET(muster_host, log_threshold, 32);
OFFSET(muster_host, facts, 40);
OFFSET(muster_host, fail, 48);

SIZE(muster_sink, 24);
OFFSET(muster_sink, struct_size, 0);
OFFSET(muster_sink, abi_major, 4);
OFFSET(muster_sink, abi_minor, 6);
OFFSET(muster_sink, context, 8);
OFFSET(muster_sink, write, 16);

SIZE(muster_component, 72);
OFFSET(muster_component, struct_size, 0);
OFFSET(muster_component, abi_major, 4);
OFFSET(muster_component, abi_minor, 6);
OFFSET(muster_component, context, 8);
OFFSET(muster_component, get_extension, 16);
OFFSET(muster_component, prepare, 24);
OFFSET(muster_component, activate, 32);
OFFSET(muster_component, quiesce, 40);
OFFSET(muster_component, release, 48);
OFFSET(muster_component, stop, 56);
OFFSET(muster_component, destroy, 64);

SIZE(muster_http_client_request, 256);
OFFSET(muster_http_client_request, struct_size, 0);
OFFSET(muster_http_client_request, abi_major, 4);
OFFSET(muster_http_client_request, abi_minor, 6);
OFFSET(muster_http_client_request, method, 8);
OFFSET(muster_http_client_request, url, 24);
OFFSET(muster_http_client_request, headers, 40);
OFFSET(muster_http_client_request, header_count, 48);
OFFSET(muster_http_client_request, body, 56);
OFFSET(muster_http_client_request, flags, 72);
OFFSET(muster_http_client_request, body_descriptor, 76);
OFFSET(muster_http_client_request, body_offset, 80);
OFFSET(muster_http_client_request, body_length, 88);
OFFSET(muster_http_client_request, destination_descriptor, 96);
OFFSET(muster_http_client_request, redirect_limit, 100);
OFFSET(muster_http_client_request, destination_offset, 104);
OFFSET(muster_http_client_request, expected_peer, 112);
OFFSET(muster_http_client_request, client_certificate, 128);
OFFSET(muster_http_client_request, client_private_key, 144);
OFFSET(muster_http_client_request, authority, 160);
OFFSET(muster_http_client_request, proxy, 176);
OFFSET(muster_http_client_request, connect_timeout, 192);
OFFSET(muster_http_client_request, stall_timeout, 200);
OFFSET(muster_http_client_request, total_timeout, 208);
OFFSET(muster_http_client_request, body_limit, 216);
OFFSET(muster_http_client_request, resume_offset, 224);
OFFSET(muster_http_client_request, resume_validator, 232);
OFFSET(muster_http_client_request, bandwidth_limit, 248);

SIZE(muster_http_client_answer, 72);
OFFSET(muster_http_client_answer, struct_size, 0);
OFFSET(muster_http_client_answer, abi_major, 4);
OFFSET(muster_http_client_answer, abi_minor, 6);
OFFSET(muster_http_client_answer, context, 8);
OFFSET(muster_http_client_answer, status, 16);
OFFSET(muster_http_client_answer, redirect_count, 20);
OFFSET(muster_http_client_answer, headers, 24);
OFFSET(muster_http_client_answer, header_count, 32);
OFFSET(muster_http_client_answer, url, 40);
OFFSET(muster_http_client_answer, content_length, 56);
OFFSET(muster_http_client_answer, find_header, 64);

SIZE(muster_http_client_result, 64);
OFFSET(muster_http_client_result, struct_size, 0);
OFFSET(muster_http_client_result, abi_major, 4);
OFFSET(muster_http_client_result, abi_minor, 6);
OFFSET(muster_http_client_result, code, 8);
OFFSET(muster_http_client_result, status, 12);
OFFSET(muster_http_client_result, worth_retrying, 16);
OFFSET(muster_http_client_result, system_error, 20);
OFFSET(muster_http_client_result, reason, 24);
OFFSET(muster_http_client_result, received_bytes, 40);
OFFSET(muster_http_client_result, retry_after, 48);
OFFSET(muster_http_client_result, date, 56);

SIZE(muster_http_client_handler, 40);
OFFSET(muster_http_client_handler, struct_size, 0);
OFFSET(muster_http_client_handler, abi_major, 4);
OFFSET(muster_http_client_handler, abi_minor, 6);
OFFSET(muster_http_client_handler, context, 8);
OFFSET(muster_http_client_handler, on_head, 16);
OFFSET(muster_http_client_handler, on_body, 24);
OFFSET(muster_http_client_handler, on_end, 32);

SIZE(muster_http_client, 48);
OFFSET(muster_http_client, struct_size, 0);
OFFSET(muster_http_client, abi_major, 4);
OFFSET(muster_http_client, abi_minor, 6);
OFFSET(muster_http_client, context, 8);
OFFSET(muster_http_client, start, 16);
OFFSET(muster_http_client, cancel, 24);
OFFSET(muster_http_client, pause_body, 32);
OFFSET(muster_http_client, resume_body, 40);

SIZE(muster_tls_identity, 40);
OFFSET(muster_tls_identity, struct_size, 0);
OFFSET(muster_tls_identity, abi_major, 4);
OFFSET(muster_tls_identity, abi_minor, 6);
OFFSET(muster_tls_identity, subject, 8);
OFFSET(muster_tls_identity, uris, 24);
OFFSET(muster_tls_identity, uri_count, 32);

SIZE(muster_http_request, 120);
OFFSET(muster_http_request, struct_size, 0);
OFFSET(muster_http_request, abi_major, 4);
OFFSET(muster_http_request, abi_minor, 6);
OFFSET(muster_http_request, context, 8);
OFFSET(muster_http_request, method, 16);
OFFSET(muster_http_request, target, 32);
OFFSET(muster_http_request, authority, 48);
OFFSET(muster_http_request, version, 64);
OFFSET(muster_http_request, has_body, 68);
OFFSET(muster_http_request, headers, 72);
OFFSET(muster_http_request, header_count, 80);
OFFSET(muster_http_request, peer, 88);
OFFSET(muster_http_request, identity, 104);
OFFSET(muster_http_request, find_header, 112);

SIZE(muster_http_handler, 56);
OFFSET(muster_http_handler, struct_size, 0);
OFFSET(muster_http_handler, abi_major, 4);
OFFSET(muster_http_handler, abi_minor, 6);
OFFSET(muster_http_handler, context, 8);
OFFSET(muster_http_handler, on_request, 16);
OFFSET(muster_http_handler, on_body, 24);
OFFSET(muster_http_handler, on_body_end, 32);
OFFSET(muster_http_handler, on_abort, 40);
OFFSET(muster_http_handler, on_writable, 48);

SIZE(muster_http_limits, 56);
OFFSET(muster_http_limits, struct_size, 0);
OFFSET(muster_http_limits, abi_major, 4);
OFFSET(muster_http_limits, abi_minor, 6);
OFFSET(muster_http_limits, head_bytes, 8);
OFFSET(muster_http_limits, header_count, 12);
OFFSET(muster_http_limits, body_bytes, 16);
OFFSET(muster_http_limits, idle_timeout, 24);
OFFSET(muster_http_limits, head_timeout, 32);
OFFSET(muster_http_limits, stall_timeout, 40);
OFFSET(muster_http_limits, answer_timeout, 48);

SIZE(muster_file, 48);
OFFSET(muster_file, struct_size, 0);
OFFSET(muster_file, abi_major, 4);
OFFSET(muster_file, abi_minor, 6);
OFFSET(muster_file, context, 8);
OFFSET(muster_file, release, 16);
OFFSET(muster_file, descriptor, 24);
OFFSET(muster_file, reserved, 28);
OFFSET(muster_file, offset, 32);
OFFSET(muster_file, length, 40);

SIZE(muster_http_server, 88);
OFFSET(muster_http_server, struct_size, 0);
OFFSET(muster_http_server, abi_major, 4);
OFFSET(muster_http_server, abi_minor, 6);
OFFSET(muster_http_server, context, 8);
OFFSET(muster_http_server, serve, 16);
OFFSET(muster_http_server, respond, 24);
OFFSET(muster_http_server, respond_file, 32);
OFFSET(muster_http_server, begin, 40);
OFFSET(muster_http_server, write, 48);
OFFSET(muster_http_server, end, 56);
OFFSET(muster_http_server, abort, 64);
OFFSET(muster_http_server, pause_body, 72);
OFFSET(muster_http_server, resume_body, 80);

SIZE(muster_listener_handler, 32);
OFFSET(muster_listener_handler, struct_size, 0);
OFFSET(muster_listener_handler, abi_major, 4);
OFFSET(muster_listener_handler, abi_minor, 6);
OFFSET(muster_listener_handler, context, 8);
OFFSET(muster_listener_handler, start, 16);
OFFSET(muster_listener_handler, pause, 24);

SIZE(muster_listener, 24);
OFFSET(muster_listener, struct_size, 0);
OFFSET(muster_listener, abi_major, 4);
OFFSET(muster_listener, abi_minor, 6);
OFFSET(muster_listener, context, 8);
OFFSET(muster_listener, open, 16);

SIZE(muster_process_handler, 40);
OFFSET(muster_process_handler, struct_size, 0);
OFFSET(muster_process_handler, abi_major, 4);
OFFSET(muster_process_handler, abi_minor, 6);
OFFSET(muster_process_handler, context, 8);
OFFSET(muster_process_handler, on_started, 16);
OFFSET(muster_process_handler, on_failed, 24);
OFFSET(muster_process_handler, on_ended, 32);

SIZE(muster_process, 32);
OFFSET(muster_process, struct_size, 0);
OFFSET(muster_process, abi_major, 4);
OFFSET(muster_process, abi_minor, 6);
OFFSET(muster_process, context, 8);
OFFSET(muster_process, start, 16);
OFFSET(muster_process, end, 24);

SIZE(muster_metric_spec, 96);
OFFSET(muster_metric_spec, struct_size, 0);
OFFSET(muster_metric_spec, abi_major, 4);
OFFSET(muster_metric_spec, abi_minor, 6);
OFFSET(muster_metric_spec, kind, 8);
OFFSET(muster_metric_spec, reserved, 12);
OFFSET(muster_metric_spec, name, 16);
OFFSET(muster_metric_spec, help, 32);
OFFSET(muster_metric_spec, unit, 48);
OFFSET(muster_metric_spec, labels, 64);
OFFSET(muster_metric_spec, label_count, 72);
OFFSET(muster_metric_spec, buckets, 80);
OFFSET(muster_metric_spec, bucket_count, 88);

SIZE(muster_metrics, 56);
OFFSET(muster_metrics, struct_size, 0);
OFFSET(muster_metrics, abi_major, 4);
OFFSET(muster_metrics, abi_minor, 6);
OFFSET(muster_metrics, context, 8);
OFFSET(muster_metrics, define, 16);
OFFSET(muster_metrics, series, 24);
OFFSET(muster_metrics, add, 32);
OFFSET(muster_metrics, set, 40);
OFFSET(muster_metrics, observe, 48);

SIZE(muster_state, 24);
OFFSET(muster_state, struct_size, 0);
OFFSET(muster_state, abi_major, 4);
OFFSET(muster_state, abi_minor, 6);
OFFSET(muster_state, context, 8);
OFFSET(muster_state, directory, 16);

SIZE(muster_timer_options, 48);
OFFSET(muster_timer_options, struct_size, 0);
OFFSET(muster_timer_options, abi_major, 4);
OFFSET(muster_timer_options, abi_minor, 6);
OFFSET(muster_timer_options, context, 8);
OFFSET(muster_timer_options, fire, 16);
OFFSET(muster_timer_options, delay, 24);
OFFSET(muster_timer_options, interval, 32);
OFFSET(muster_timer_options, jitter, 40);

SIZE(muster_timer, 32);
OFFSET(muster_timer, struct_size, 0);
OFFSET(muster_timer, abi_major, 4);
OFFSET(muster_timer, abi_minor, 6);
OFFSET(muster_timer, context, 8);
OFFSET(muster_timer, start, 16);
OFFSET(muster_timer, cancel, 24);

SIZE(muster_work_item, 32);
OFFSET(muster_work_item, struct_size, 0);
OFFSET(muster_work_item, abi_major, 4);
OFFSET(muster_work_item, abi_minor, 6);
OFFSET(muster_work_item, context, 8);
OFFSET(muster_work_item, run, 16);
OFFSET(muster_work_item, done, 24);

SIZE(muster_work, 24);
OFFSET(muster_work, struct_size, 0);
OFFSET(muster_work, abi_major, 4);
OFFSET(muster_work, abi_minor, 6);
OFFSET(muster_work, context, 8);
OFFSET(muster_work, submit, 16);

SIZE(muster_bus_message, 56);
OFFSET(muster_bus_message, struct_size, 0);
OFFSET(muster_bus_message, abi_major, 4);
OFFSET(muster_bus_message, abi_minor, 6);
OFFSET(muster_bus_message, topic, 8);
OFFSET(muster_bus_message, sender, 24);
OFFSET(muster_bus_message, payload, 40);

SIZE(muster_bus_subscriber, 24);
OFFSET(muster_bus_subscriber, struct_size, 0);
OFFSET(muster_bus_subscriber, abi_major, 4);
OFFSET(muster_bus_subscriber, abi_minor, 6);
OFFSET(muster_bus_subscriber, context, 8);
OFFSET(muster_bus_subscriber, on_message, 16);

SIZE(muster_bus_request, 88);
OFFSET(muster_bus_request, struct_size, 0);
OFFSET(muster_bus_request, abi_major, 4);
OFFSET(muster_bus_request, abi_minor, 6);
OFFSET(muster_bus_request, call, 8);
OFFSET(muster_bus_request, deadline, 16);
OFFSET(muster_bus_request, service, 24);
OFFSET(muster_bus_request, method, 40);
OFFSET(muster_bus_request, caller, 56);
OFFSET(muster_bus_request, payload, 72);

SIZE(muster_bus_server, 24);
OFFSET(muster_bus_server, struct_size, 0);
OFFSET(muster_bus_server, abi_major, 4);
OFFSET(muster_bus_server, abi_minor, 6);
OFFSET(muster_bus_server, context, 8);
OFFSET(muster_bus_server, on_call, 16);

SIZE(muster_bus_answer, 48);
OFFSET(muster_bus_answer, struct_size, 0);
OFFSET(muster_bus_answer, abi_major, 4);
OFFSET(muster_bus_answer, abi_minor, 6);
OFFSET(muster_bus_answer, outcome, 8);
OFFSET(muster_bus_answer, status, 12);
OFFSET(muster_bus_answer, reason, 16);
OFFSET(muster_bus_answer, payload, 32);

SIZE(muster_bus_call_options, 80);
OFFSET(muster_bus_call_options, struct_size, 0);
OFFSET(muster_bus_call_options, abi_major, 4);
OFFSET(muster_bus_call_options, abi_minor, 6);
OFFSET(muster_bus_call_options, context, 8);
OFFSET(muster_bus_call_options, on_reply, 16);
OFFSET(muster_bus_call_options, service, 24);
OFFSET(muster_bus_call_options, method, 40);
OFFSET(muster_bus_call_options, payload, 56);
OFFSET(muster_bus_call_options, timeout, 72);

SIZE(muster_bus, 64);
OFFSET(muster_bus, struct_size, 0);
OFFSET(muster_bus, abi_major, 4);
OFFSET(muster_bus, abi_minor, 6);
OFFSET(muster_bus, context, 8);
OFFSET(muster_bus, publish, 16);
OFFSET(muster_bus, subscribe, 24);
OFFSET(muster_bus, serve, 32);
OFFSET(muster_bus, call, 40);
OFFSET(muster_bus, cancel, 48);
OFFSET(muster_bus, reply, 56);
