internal import OpenSSL
internal import SweepEngine

/// Definitions that protect nobody: they find EICAR's test file, and are as large and change as much as real ones.
enum SampleDefinitions {
    /// Signatures of the list that is only there to be large.
    static let listLength = 48_000
    /// One in so many is another in each version.
    static let churn: UInt64 = 100

    /// Contents by file name.
    static func files(version: Int) throws(OpenSSLFailure) -> [String: [UInt8]] {
        let eicar = DefinitionsTest.eicar
        let hexadecimal = Hexadecimal.lower(eicar)
        let pairs = Hexadecimal.upper(eicar).enumerated().map {
            $0.offset % 2 == 1 ? "\($0.element) " : "\($0.element)"
        }
        return [
            "eicar.hsb": Array("\(Hexadecimal.lower(try Digest.of(eicar))):\(eicar.count):Sample.Eicar:73\n".utf8),
            // MD5 of the same 68 bytes, as EICAR's page and every scanner have it.
            "eicar.hdb": Array("44d88612fea8a8f36de82e1278abb02f:\(eicar.count):Sample.Eicar\n".utf8),
            "eicar.ndb": Array("Sample.Eicar:0:0:\(hexadecimal)\n".utf8),
            "eicar.yar": Array(
                """
                rule Sample_Eicar
                {
                    meta:
                        description = "The test file of EICAR, which is harmless"
                    strings:
                        $content = { \(pairs.joined())}
                    condition:
                        $content at 0 and filesize < 129
                }

                """.utf8),
            "hashes.hsb": list(version: version),
        ]
    }

    /// Lines `digest:size:name:level`, about 4 MB, the same for a version wherever it is made.
    static func list(version: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(listLength * 96)
        let digits = Array("0123456789abcdef".utf8)
        for number in 0..<listLength {
            var noise = Noise(seed: UInt64(number) << 20 | UInt64(lastChange(of: number, upTo: version)))
            for _ in 0..<4 {
                let word = noise.next()
                for shift in stride(from: 60, through: 0, by: -4) {
                    bytes.append(digits[Int(word >> UInt64(shift) & 15)])
                }
            }
            bytes += Array(":\(noise.next() % 9_000_000 + 100):Sample.\(number):73\n".utf8)
        }
        return bytes
    }

    /// In which version a line became what it is.
    private static func lastChange(of number: Int, upTo version: Int) -> Int {
        var version = version
        while version > 1 {
            var noise = Noise(seed: UInt64(version) << 32 | UInt64(number))
            if noise.next() % churn == 0 { return version }
            version -= 1
        }
        return 1
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for a seed, on every machine.
    private struct Noise {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }
}
