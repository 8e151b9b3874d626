package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

// spawn starts this program again, apart from the terminal and its signals and
// with all it says discarded. The channel gives its end, if that comes while
// this process lives; the other one outlives it.
func spawn(args []string) (<-chan error, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(context.Background(), self, args...) //nolint:gosec // itself; it bounds its own life
	cmd.SysProcAttr = detached()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", self, err)
	}
	return cmdutil.Go(cmd.Wait), nil
}
