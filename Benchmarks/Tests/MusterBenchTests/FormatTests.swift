import Testing

@testable import MusterBench

@Suite struct FormatTests {
    @Test func countsAreGroupedInThousands() {
        #expect(Format.count(0) == "0")
        #expect(Format.count(999) == "999")
        #expect(Format.count(1_234_567) == "1,234,567")
        #expect(Format.count(-1000) == "-1,000")
    }

    @Test func decimalsKeepTheirZeros() {
        #expect(Format.number(1.005, decimals: 1) == "1.0")
        #expect(Format.number(12.04, decimals: 2) == "12.04")
        #expect(Format.number(-0.04, decimals: 1) == "0.0")
        #expect(Format.number(-1234.5, decimals: 1) == "-1,234.5")
    }

    @Test func whatIsNotFiniteIsShownAndDoesNotTrap() {
        #expect(Format.count(Double.infinity) == "inf")
        #expect(Format.ratio(.nan) == "nan×")
        #expect(Format.number(1e300, decimals: 2) == "1e+300")
    }

    @Test func tableColumnsAreAsWideAsTheirWidestCell() {
        let table = Table(header: ["a", "bb"], rows: [["longer", "x"], ["y", "≥ 1×"]])
        #expect(
            table.markdown == """
                | a      | bb   |
                |--------|------|
                | longer | x    |
                | y      | ≥ 1× |

                """)
    }

    @Test func wrkOutputIsReadWithItsErrors() {
        let good = """
              1 threads and 64 connections
              Thread Stats   Avg      Stdev     Max   +/- Stdev
                Latency   842.08us  101.55us   5.32ms   95.10%
              228160 requests in 3.00s, 170.44MB read
            Requests/sec:  76051.32
            Transfer/sec:     56.81MB
            """
        #expect(WrkRun(output: good)?.requestsPerSecond == 76051.32)
        #expect(WrkRun(output: good)?.requests == 228_160)
        #expect(WrkRun(output: good)?.errors == 0)
        let bad =
            good + "\n  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
            + "  Non-2xx or 3xx responses: 5\n"
        #expect(WrkRun(output: bad)?.errors == 4326)
        #expect(WrkRun(output: "unable to connect") == nil)
    }

    @Test func instructionsAreReadFromCachegrindsSummary() {
        #expect(ABICostRow.instructions(inLog: "==7== \n==7== I   refs:      1,234,567\n") == 1_234_567)
        #expect(ABICostRow.instructions(inLog: "==7== I refs:        42\n") == 42)
        #expect(ABICostRow.instructions(inLog: "==7== killed\n") == nil)
    }

    @Test func configurationNamesEveryComponentAndKey() {
        let component = HostConfiguration.Component(
            name: "HelloC", listener: "hello", port: 12345, options: [("greeting", "\"hi\"")],
            limits: [("max_connections", "7")], path: "/hello", body: nil)
        let configuration = HostConfiguration(
            components: [component], pluginDirectory: "/plugins", loops: 1, supervision: [("restart_limit", "9")])
        #expect(
            configuration.yaml(folder: "/f") == """
                host:
                  data_dir: "/f/data"
                  control: "/f/control.sock"
                  log: {level: warning}
                  plugin_dirs: ["/plugins"]
                  loops: 1
                  supervision: {restart_limit: 9}
                components:
                  HelloC:
                    listen: {hello: {address: "127.0.0.1:12345", max_connections: 7}}
                    config: {greeting: "hi"}

                """)
    }
}
