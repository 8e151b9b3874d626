// Command idctl runs identity clouds from the command line. Everything it does
// lies in internal/cli.
package main

import (
	"os"

	"github.com/idctl/idctl/internal/cli"
)

func main() { os.Exit(cli.Main()) }
