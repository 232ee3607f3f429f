// Command ipstack is a stand-in for ipstack.com: it answers the real protocol
// on a loopback address, for trying Lendkeep without an account. Which address
// plays which part stands in the documentation of package ipstacktest.
//
//	go run ./standin/ipstack --listen 127.0.0.1:8181 --key demo-key
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port to listen on; port 0 picks a free one")
	key := flag.String("key", "", "the access key that is accepted")
	flag.Parse()
	if err := run(*listen, *key); err != nil {
		fmt.Fprintln(os.Stderr, "ipstack stand-in:", err)
		os.Exit(1)
	}
}

// run serves until it is interrupted. The first line of output is the URL.
func run(listen, key string) error {
	if key == "" {
		return errors.New("--key is needed: the access key that callers must send")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen on that address: %w", err)
	}
	standin := ipstacktest.New(key)
	srv := &http.Server{Handler: standin, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	fmt.Println("http://" + l.Addr().String())
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
	}
	standin.Close()
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return srv.Shutdown(grace)
}
