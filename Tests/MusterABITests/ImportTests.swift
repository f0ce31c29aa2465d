import MusterABI
import Testing

/// Every structure of the ABI is a Swift type, with the size that the header promises.
@Suite struct ImportTests {
    static let sizes: [(name: String, imported: Int, promised: Int32)] = [
        ("muster_error", MemoryLayout<muster_error>.size, MUSTER_ERROR_SIZE_1_0),
        ("muster_option", MemoryLayout<muster_option>.size, MUSTER_OPTION_SIZE_1_0),
        ("muster_options", MemoryLayout<muster_options>.size, MUSTER_OPTIONS_SIZE_1_0),
        ("muster_listener_spec", MemoryLayout<muster_listener_spec>.size, MUSTER_LISTENER_SPEC_SIZE_1_0),
        ("muster_bus_spec", MemoryLayout<muster_bus_spec>.size, MUSTER_BUS_SPEC_SIZE_1_0),
        ("muster_process_spec", MemoryLayout<muster_process_spec>.size, MUSTER_PROCESS_SPEC_SIZE_1_0),
        ("muster_plugin", MemoryLayout<muster_plugin>.size, MUSTER_PLUGIN_SIZE_1_0),
        ("muster_host_facts", MemoryLayout<muster_host_facts>.size, MUSTER_HOST_FACTS_SIZE_1_0),
        ("muster_host", MemoryLayout<muster_host>.size, MUSTER_HOST_SIZE_1_0),
        ("muster_sink", MemoryLayout<muster_sink>.size, MUSTER_SINK_SIZE_1_0),
        ("muster_component", MemoryLayout<muster_component>.size, MUSTER_COMPONENT_SIZE_1_0),
        (
            "muster_http_client_request", MemoryLayout<muster_http_client_request>.size,
            MUSTER_HTTP_CLIENT_REQUEST_SIZE_1_0
        ),
        ("muster_http_client_answer", MemoryLayout<muster_http_client_answer>.size, MUSTER_HTTP_CLIENT_ANSWER_SIZE_1_0),
        ("muster_http_client_result", MemoryLayout<muster_http_client_result>.size, MUSTER_HTTP_CLIENT_RESULT_SIZE_1_0),
        (
            "muster_http_client_handler", MemoryLayout<muster_http_client_handler>.size,
            MUSTER_HTTP_CLIENT_HANDLER_SIZE_1_0
        ),
        ("muster_http_client", MemoryLayout<muster_http_client>.size, MUSTER_HTTP_CLIENT_SIZE_1_0),
        ("muster_tls_identity", MemoryLayout<muster_tls_identity>.size, MUSTER_TLS_IDENTITY_SIZE_1_0),
        ("muster_http_request", MemoryLayout<muster_http_request>.size, MUSTER_HTTP_REQUEST_SIZE_1_0),
        ("muster_http_handler", MemoryLayout<muster_http_handler>.size, MUSTER_HTTP_HANDLER_SIZE_1_0),
        ("muster_http_limits", MemoryLayout<muster_http_limits>.size, MUSTER_HTTP_LIMITS_SIZE_1_0),
        ("muster_file", MemoryLayout<muster_file>.size, MUSTER_FILE_SIZE_1_0),
        ("muster_http_server", MemoryLayout<muster_http_server>.size, MUSTER_HTTP_SERVER_SIZE_1_0),
        ("muster_listener_handler", MemoryLayout<muster_listener_handler>.size, MUSTER_LISTENER_HANDLER_SIZE_1_0),
        ("muster_listener", MemoryLayout<muster_listener>.size, MUSTER_LISTENER_SIZE_1_0),
        ("muster_process_handler", MemoryLayout<muster_process_handler>.size, MUSTER_PROCESS_HANDLER_SIZE_1_0),
        ("muster_process", MemoryLayout<muster_process>.size, MUSTER_PROCESS_SIZE_1_0),
        ("muster_metric_spec", MemoryLayout<muster_metric_spec>.size, MUSTER_METRIC_SPEC_SIZE_1_0),
        ("muster_metrics", MemoryLayout<muster_metrics>.size, MUSTER_METRICS_SIZE_1_0),
        ("muster_state", MemoryLayout<muster_state>.size, MUSTER_STATE_SIZE_1_0),
        ("muster_timer_options", MemoryLayout<muster_timer_options>.size, MUSTER_TIMER_OPTIONS_SIZE_1_0),
        ("muster_timer", MemoryLayout<muster_timer>.size, MUSTER_TIMER_SIZE_1_0),
        ("muster_bus_message", MemoryLayout<muster_bus_message>.size, MUSTER_BUS_MESSAGE_SIZE_1_0),
        ("muster_bus_subscriber", MemoryLayout<muster_bus_subscriber>.size, MUSTER_BUS_SUBSCRIBER_SIZE_1_0),
        ("muster_bus_request", MemoryLayout<muster_bus_request>.size, MUSTER_BUS_REQUEST_SIZE_1_0),
        ("muster_bus_server", MemoryLayout<muster_bus_server>.size, MUSTER_BUS_SERVER_SIZE_1_0),
        ("muster_bus_answer", MemoryLayout<muster_bus_answer>.size, MUSTER_BUS_ANSWER_SIZE_1_0),
        ("muster_bus_call_options", MemoryLayout<muster_bus_call_options>.size, MUSTER_BUS_CALL_OPTIONS_SIZE_1_0),
        ("muster_bus", MemoryLayout<muster_bus>.size, MUSTER_BUS_SIZE_1_0),
        ("muster_work_item", MemoryLayout<muster_work_item>.size, MUSTER_WORK_ITEM_SIZE_1_0),
        ("muster_work", MemoryLayout<muster_work>.size, MUSTER_WORK_SIZE_1_0),
    ]

    @Test(arguments: sizes)
    func aTableHasThePromisedSizeInSwift(name: String, imported: Int, promised: Int32) {
        #expect(imported == Int(promised), "\(name)")
    }

    @Test func everyStructureOfTheHeadersIsCovered() throws {
        let declared = try Check.run(["scripts/abi-layout"]).output
            .split(separator: "\n")
            .filter { $0.hasPrefix("SIZE(") }
            .map { $0.dropFirst("SIZE(".count).prefix { $0 != "," } }
        let leaves: Set<Substring> = ["muster_string", "muster_bytes", "muster_header", "muster_field", "muster_value"]
        #expect(Set(declared).subtracting(leaves) == Set(Self.sizes.map { Substring($0.name) }))
    }

    @Test func leafTypesAreFrozen() {
        #expect(MemoryLayout<muster_string>.size == 16)
        #expect(MemoryLayout<muster_bytes>.size == 16)
        #expect(MemoryLayout<muster_header>.size == 32)
        #expect(MemoryLayout<muster_field>.size == 32)
        #expect(MemoryLayout<muster_value>.size == 24)
    }

    @Test func constantsHaveTheTypeOfTheirUseInSwift() {
        let statuses: [muster_status] = [
            MUSTER_OK, MUSTER_FAILED, MUSTER_INVALID, MUSTER_WRONG_STATE, MUSTER_GONE, MUSTER_BUSY, MUSTER_UNSUPPORTED,
            MUSTER_CONFIGURATION,
        ]
        #expect(statuses == Array(0...7))
        let types: [muster_type] = [
            MUSTER_TYPE_BOOL, MUSTER_TYPE_INTEGER, MUSTER_TYPE_NUMBER, MUSTER_TYPE_STRING, MUSTER_TYPE_DURATION,
            MUSTER_TYPE_BYTES, MUSTER_TYPE_PATH, MUSTER_TYPE_URL, MUSTER_TYPE_ENUM, MUSTER_TYPE_ADDRESS,
            MUSTER_TYPE_LIST,
        ]
        #expect(types == Array(1...11))
        #expect(
            [MUSTER_TRANSPORT_HTTP, MUSTER_TRANSPORT_HTTPS, MUSTER_TRANSPORT_RAW] as [muster_transport] == [1, 2, 3])
        #expect(
            [
                MUSTER_EXT_BUS, MUSTER_EXT_HTTP_SERVER, MUSTER_EXT_LISTENER, MUSTER_EXT_METRICS, MUSTER_EXT_PROCESS,
                MUSTER_EXT_STATE, MUSTER_EXT_TIMER, MUSTER_EXT_WORK,
            ] == [
                "muster.bus/1", "muster.http-server/1", "muster.listener/1", "muster.metrics/1",
                "muster.process/1", "muster.state/1", "muster.timer/1", "muster.work/1",
            ])
        #expect(MUSTER_PLUGIN_ENTRY_SYMBOL == "muster_plugin_entry_v1")
    }
}
