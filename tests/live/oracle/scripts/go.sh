#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A static program whose runtime makes its calls without libc.
set -eu
cat >a.go <<'EOF'
package main

import (
	"fmt"
	"os"
)

func main() {
	c := make(chan int)
	go func() { c <- 42 }()
	os.WriteFile("out", []byte("x"), 0o600)
	fmt.Println(<-c)
}
EOF
export GOCACHE="$PWD/cache" GO111MODULE=off GOFLAGS=-p=2
go build a.go
./a
