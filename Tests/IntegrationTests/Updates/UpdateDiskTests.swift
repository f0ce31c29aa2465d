import Foundation
import Testing

/// A disk that is full at one step after the other, and folders that may not be written to: what was there stays whole, the
/// reason is said, and what follows needs no repair.
///
/// The disks are file systems in memory, each in a mount namespace that ends with its script.
@Suite("The update chain without room", .enabled(if: getuid() == 0, "mounting needs root"))
struct UpdateDiskTests {
    /// Leaves so many KiB on the disk at `$place`, and takes them up again.
    private static let filling = """
        set -u
        fill() {
            dd if=/dev/zero of="$place/filler" bs=4k 2> /dev/null
            if [ "$1" -gt 0 ]; then fallocate --punch-hole --length $(($1 * 1024)) "$place/filler"; fi
        }
        """

    /// Runs a script with a disk of `size` at `$place`; answers the fields of its lines, which are put apart by bars.
    private func run(_ script: String, size: String, in folder: String, _ settings: [String: String]) throws
        -> [[String]]
    {
        let place = "\(folder)/disk"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let lines =
            settings.map { "\($0.key)='\($0.value)'" } + [
                "place='\(place)'", "muster='\(LiveHost.products)/muster'", Self.filling,
                "mount -t tmpfs -o size=\(size) none \"$place\" && chmod 755 \"$place\"", script,
            ]
        let outcome = try Command.run(
            "/usr/bin/unshare", ["--mount", "bash", "-c", lines.joined(separator: "\n")], limit: 240)
        guard outcome.status == 0 else {
            throw LiveFailure("the script ended with \(outcome.status): \(outcome.output)")
        }
        return outcome.output.split(separator: "\n").map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func aDownloadSaysWhatCouldNotBeWrittenAndGoesOnLater() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor()
        try distributor.live.waitUntil("the first version is mirrored") {
            world.snapshotVersion(at: distributor) != nil
        }
        let rows = try run(
            """
            for room in 0 4 8 12 16 20 28 64 1024 4096 6000; do
                rm -rf "$place"/*
                mkdir "$place/trust" "$place/targets"
                "$muster" tuf --metadata-dir "$place/trust" init "$root"
                fill $room
                fetch() {
                    "$muster" tuf --metadata-url "$url/metadata" --metadata-dir "$place/trust" --target-dir "$place/targets" \
                        --target-name definitions/hashes.hsb --target-base-url "$url/targets" download 2>&1
                }
                message=$(fetch); status=$?
                listed=$(ls "$place/targets" | wc -l)
                rm "$place/filler"
                later=$(fetch); laterstatus=$?
                cmp -s "$source" "$place/targets"/* && same=same || same=other
                echo "$room|$status|$listed|$laterstatus|$same|$message$later"
            done
            """, size: "12m", in: world.vendor.live.directory,
            [
                "url": "http://\(distributor.address):50003", "root": "\(world.repository)/metadata/1.root.json",
                "source": try largestDefinitions(world),
            ])
        #expect(rows.count == 11)
        for row in rows {
            let isWhole = row[0] == "6000"
            #expect(row[1] == (isWhole ? "0" : "1") && row[2] == (isWhole ? "1" : "0"), "\(row)")
            #expect(row[3] == "0" && row[4] == "same", "\(row)")
            #expect(row[5].contains("No space left on device") != isWhole, "\(row)")
        }
        // It ended at one file after the other.
        for file in ["timestamp.json", "snapshot.json", "targets.json", ".clock", "hashes.hsb"] {
            #expect(rows.contains { $0.last?.contains(file) == true }, "\(file)")
        }
    }

    @Test func aPublicationLeavesTheFormerVersionWholeAndIsMadeLater() throws {
        let folder = try LiveHost()
        func list(_ round: Int) throws -> String {
            let path = "\(folder.directory)/list-\(round)"
            try SampleList.text(round).write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        let rows = try run(
            """
            for room in 0 4 8 12 16 20 24 64; do
                rm -rf "$place"/*
                repository="$place/repository"
                { "$muster" repo init "$repository" && "$muster" repo add "$repository" "$first" --as definitions/list.hsb &&
                    "$muster" repo publish "$repository" && "$muster" repo add "$repository" "$second" --as definitions/list.hsb
                } > /dev/null || exit 1
                fill $room
                message=$("$muster" repo publish "$repository" 2>&1 | head -n 1)
                rm "$place/filler"
                "$muster" repo verify "$repository" > /dev/null; verified=$?
                "$muster" repo publish "$repository" > /dev/null; published=$?
                "$muster" repo verify "$repository" > /dev/null; again=$?
                cmp -s "$second" "$repository/targets/definitions/$(sha256sum < "$second" | cut -d ' ' -f 1).list.hsb" &&
                    same=same || same=other
                echo "$room|$verified|$published|$again|$same|$message"
            done
            """, size: "4m", in: folder.directory, ["first": try list(0), "second": try list(1)])
        #expect(rows.count == 8)
        for row in rows { #expect(row[1...4] == ["0", "0", "0", "same"], "\(row)") }
        for file in [".staged/version", "targets.json", "snapshot.json", "timestamp.json"] {
            let isSaid = rows.contains {
                $0.last?.contains(file) == true && $0.last?.contains("No space left on device") == true
            }
            #expect(isSaid, "\(file): \(rows)")
        }
        #expect(rows.last?.last?.hasPrefix("Published: ") == true)
    }

    @Test func mirrorAndAgentSaySoAndGoOnByThemselvesWhenThereIsRoom() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor()
        try distributor.live.waitUntil("the first version is mirrored") {
            world.snapshotVersion(at: distributor) != nil
        }
        let rows = try run(
            """
            for room in 0 5000; do
                rm -rf "$place"/* "$base"/data "$base"/log
                mkdir "$place/repository" "$place/definitions"
                chown nobody:nogroup "$place/repository" "$place/definitions"
                cat > "$place/config.yaml" <<END
            host: {data_dir: $base/data, control: $base/full.sock}
            components:
              UpdateService:
                listen: {updates: "$address:443"}
                config: {repository: $place/repository, upstream: {url: "$url", root: $root, interval: 10s, jitter: 0s}}
              CommAgent:
                config: {root: $root, distributors: ["$url"], definitions: $place/definitions, interval: 10s}
              SweepHandler:
                listen: {sweeps: "$address:50001"}
                config: {roles: [client], definitions: $place/definitions/current}
            END
                fill $room
                "$muster" run "$place/config.yaml" > "$base/log" 2>&1 & host=$!
                for turn in $(seq 200); do grep -q 'No space left on device' "$base/log" && break; sleep 0.1; done
                rm "$place/filler"
                for turn in $(seq 400); do
                    [ -e "$place/definitions/current/version" ] && [ -e "$place/repository/metadata/timestamp.json" ] && break
                    sleep 0.1
                done
                "$muster" repo verify "$place/repository" > /dev/null; verified=$?
                cmp -s "$source" "$place/definitions/current/hashes.hsb" && same=same || same=other
                echo "$room|$verified|$same|$(grep -c 'No space left on device' "$base/log")|$(grep -c 'SIG' "$base/log")"
                kill $host && wait $host
            done
            """, size: "24m", in: world.vendor.live.directory,
            [
                "url": "http://\(distributor.address):50003", "root": "\(world.repository)/metadata/1.root.json",
                "base": distributor.live.directory, "address": "127.79.\(world.network).30",
                "source": try largestDefinitions(world),
            ])
        #expect(rows.map { $0[0] } == ["0", "5000"])
        for row in rows {
            #expect(row[1] == "0" && row[2] == "same", "\(row)")
            #expect(Int(row[3]) ?? 0 > 0 && row[4] == "0", "\(row)")
        }
    }

    @Test func aFolderThatMayNotBeWrittenToIsNamedAndTakenUpAgain() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor(interval: "10s", start: false)
        distributor.handOver()
        let repository = "\(distributor.live.directory)/repository"
        try lock(repository)
        try distributor.live.startAndWait()
        try distributor.live.waitUntil("the status says that the repository cannot be written to") {
            let mirror = try world.status(distributor)["mirror"] as? [String: Any]
            let sentence = (mirror?["error"] as? [String: Any])?["sentence"] as? String ?? ""
            return sentence.contains(repository) && sentence.contains("Permission denied")
        }
        distributor.handOver()
        try distributor.live.waitUntil("the first version is mirrored", within: 60) {
            world.snapshotVersion(at: distributor) != nil
        }
        let workstation = try world.addWorkstation(more: "interval: 10s", start: false)
        workstation.handOver()
        let definitions = "\(workstation.live.directory)/definitions"
        try lock(definitions)
        try workstation.live.startAndWait()
        try workstation.live.waitUntil("the log says that the definitions cannot be written to") {
            workstation.live.log.contains("\(definitions)") && workstation.live.log.contains("Permission denied")
        }
        workstation.handOver()
        try workstation.waitForVersion(try world.vendorVersion())
    }

    /// Leaves a folder to root alone.
    private func lock(_ folder: String) throws {
        guard chown(folder, 0, 0) == 0, chmod(folder, 0o755) == 0 else { throw LiveFailure("chown \(folder)") }
    }

    /// The sample's greatest file, which is its list of hashes.
    private func largestDefinitions(_ world: UpdateWorld) throws -> String {
        let folder = "\(world.repository)/targets/definitions"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".hashes.hsb") }
        return try #require(names.first.map { "\(folder)/\($0)" })
    }
}
