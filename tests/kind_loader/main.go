// kind_loader reads a cluster file as `kind create cluster --config` does, with kind's own loader and its own checks, and prints
// what kind understood as JSON. No container engine is needed.
//
// The loader lies in kind's internal packages, which only code below sigs.k8s.io/kind/pkg may import: hence this module's name.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/kind/pkg/internal/apis/config/encoding"
)

func main() {
	cluster, err := encoding.Load(os.Args[1])
	if err == nil {
		err = cluster.Validate()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(cluster); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
