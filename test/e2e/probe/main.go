// SPDX-License-Identifier: Apache-2.0

// Command probe is the one program of the sample application, and what looks from
// where a Pod stands.
//
//	probe serve PORT...          answers HTTP, and what UDP brings to port 53, until it is ended
//	probe names NAME=ADDRESS...  answers for names by UDP at port 53
//	probe dial TARGET...         tells of each tcp:ADDRESS:PORT or udp:ADDRESS:PORT what became of it
//	probe outside                is the outside: servers on addresses of a network namespace of its own
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "probe:", err) // there is nobody else to tell
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: probe serve|names|dial|outside")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "names":
		return names(args[1:])
	case "dial":
		return dial(args[1:])
	case "outside":
		return outside()
	case inOutside:
		return beOutside()
	}
	return fmt.Errorf("%q is none of serve, names, dial, outside", args[0])
}
