package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// treeCPU is the CPU time in seconds that a process and its descendants have used.
func treeCPU(root int) float64 {
	ticks := 0.0
	for _, id := range tree(root) {
		if fields := stat(id); len(fields) > 12 {
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			ticks += user + system
		}
	}
	return ticks / 100
}

// treeRSS is the resident memory in KiB; pages that processes share count for each of them.
func treeRSS(root int) int64 {
	total := int64(0)
	for _, id := range tree(root) {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(id) + "/status")
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "VmRSS:") {
				n, _ := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
				total += n
			}
		}
	}
	return total
}

// machineCPU is the CPU time in seconds that all processes have used, and that the hypervisor took.
func machineCPU() float64 {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	ticks := 0.0
	for i, field := range strings.Fields(line) {
		// cpu user nice system idle iowait irq softirq steal
		if i >= 1 && i <= 8 && i != 4 && i != 5 {
			n, _ := strconv.ParseFloat(field, 64)
			ticks += n
		}
	}
	return ticks / 100
}

func selfCPU() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// tree is a process and its descendants.
func tree(root int) []int {
	if root == 0 {
		return nil
	}
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if id, err := strconv.Atoi(entry.Name()); err == nil {
			if fields := stat(id); len(fields) > 1 {
				parents[id], _ = strconv.Atoi(fields[1])
			}
		}
	}
	found := []int{root}
	for i := 0; i < len(found); i++ {
		for id, parent := range parents {
			if parent == found[i] {
				found = append(found, id)
			}
		}
	}
	return found
}

// stat is /proc/ID/stat from the third field on: the second, a name, may have spaces in it.
func stat(id int) []string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	at := strings.LastIndexByte(string(text), ')')
	if at < 0 {
		return nil
	}
	return strings.Fields(string(text)[at+1:])
}
