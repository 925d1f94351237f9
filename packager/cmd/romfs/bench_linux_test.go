package main

import (
	"os"
	"syscall"
	"testing"
)

// reportPeak reports the most memory that a process had, as the kernel counts.
func reportPeak(b *testing.B, p *os.ProcessState) {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		b.ReportMetric(float64(usage.Maxrss)/(1<<10), "MiB-peak")
	}
}
