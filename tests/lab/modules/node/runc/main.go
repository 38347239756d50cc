// runc for a machine that lacks CAP_SYS_RESOURCE: what this process can't give (that capability, a lower oom score, a higher
// limit) is taken out of the container's configuration, then the real runc beside this file (runc.real) takes over.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const sysResource = 24 // CAP_SYS_RESOURCE in linux/capability.h

var limits = map[string]int{
	"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5,
	"RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9,
}

func main() {
	command, file := configuration(os.Args[1:])
	if file != "" {
		if err := edit(file, command == "exec"); err != nil {
			fmt.Fprintln(os.Stderr, "runc wrapper:", err)
			os.Exit(1)
		}
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self+".real", append([]string{"runc"}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "runc wrapper:", err)
	os.Exit(127)
}

// configuration finds the command and the file that describes what it will start; empty when it starts nothing.
func configuration(arguments []string) (command, file string) {
	global := []string{"--root", "--log", "--log-format", "--criu", "--rootless"}
	bundle, process := ".", ""
	for i := 0; i < len(arguments); i++ {
		name, value, joined := strings.Cut(arguments[i], "=")
		if !joined && i+1 < len(arguments) {
			value = arguments[i+1]
		}
		switch {
		case command == "" && slices.Contains(global, name):
			if !joined {
				i++
			}
		case command == "" && !strings.HasPrefix(name, "-"):
			command = name
		case command == "exec" && process == "" && (name == "--process" || name == "-p"):
			process = value
		case command != "exec" && (name == "--bundle" || name == "-b"):
			bundle = value
		}
	}
	switch command {
	case "create", "run", "restore":
		return command, filepath.Join(bundle, "config.json")
	case "exec":
		return command, process
	}
	return command, ""
}

func edit(path string, isProcess bool) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil // the real runc says it better
	}
	var whole map[string]any
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&whole); err != nil {
		return nil
	}
	process := whole
	if !isProcess {
		process, _ = whole["process"].(map[string]any)
	}
	lower(process)
	if content, err = json.Marshal(whole); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func lower(process map[string]any) {
	if sets, ok := process["capabilities"].(map[string]any); ok && !may(sysResource) {
		for name, set := range sets {
			if list, ok := set.([]any); ok {
				sets[name] = slices.DeleteFunc(list, func(entry any) bool { return entry == "CAP_SYS_RESOURCE" })
			}
		}
	}
	if score, ok := process["oomScoreAdj"].(json.Number); ok {
		own, _ := os.ReadFile("/proc/self/oom_score_adj")
		least, _ := strconv.ParseInt(strings.TrimSpace(string(own)), 10, 64)
		if wanted, _ := score.Int64(); wanted < least {
			delete(process, "oomScoreAdj")
		}
	}
	entries, _ := process["rlimits"].([]any)
	for _, entry := range entries {
		limit, _ := entry.(map[string]any)
		kind, _ := limit["type"].(string)
		number, known := limits[kind]
		var have syscall.Rlimit
		if !known || syscall.Getrlimit(number, &have) != nil {
			continue
		}
		for _, which := range []string{"hard", "soft"} {
			if value, ok := limit[which].(json.Number); ok {
				if wanted, err := strconv.ParseUint(value.String(), 10, 64); err == nil && wanted > have.Max {
					limit[which] = have.Max
				}
			}
		}
	}
}

// may tells whether this process's bounding set has a capability.
func may(capability uint) bool {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			set, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return set&(1<<capability) != 0
		}
	}
	return false
}
