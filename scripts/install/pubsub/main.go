// Google's own in-memory Pub/Sub for tests. Prints its address, and ends when its input does.
package main

import (
	"fmt"
	"io"
	"os"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	server := pstest.NewServer()
	fmt.Println(server.Addr)
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close()
}
