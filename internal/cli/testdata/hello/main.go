// Command hello is what start-up is measured against: the least that a program
// with the same command line library does.
package main

import "github.com/spf13/cobra"

func main() {
	hello := &cobra.Command{Use: "hello", Version: "1", RunE: func(cmd *cobra.Command, _ []string) error {
		cmd.Println("hello")
		return nil
	}}
	cobra.CheckErr(hello.Execute())
}
