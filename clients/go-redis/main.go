// go-redis as a client under test: one case a line on stdin, one outcome a line on stdout.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"
)

// A case of the lab. Fields that are not here are ignored.
type testCase struct {
	ID         int64   `json:"id"`
	Host       string  `json:"host"`
	Port       int     `json:"port"`
	TLS        bool    `json:"tls"`
	Verify     bool    `json:"verify"`
	CA         string  `json:"ca"`
	ClientCert *string `json:"client_cert"`
	ClientKey  *string `json:"client_key"`
	Username   string  `json:"username"`
	Password   string  `json:"password"`
	Key        string  `json:"key"`
	Value      string  `json:"value"`
	Topology   string  `json:"topology"`
	Service    string  `json:"service"`
	Client     string  `json:"client"`
	DeadlineMs int     `json:"deadline_ms"`
}

// How often an application asks that has lost its connections, and the time between.
const (
	attempts = 3
	pause    = 100 * time.Millisecond
)

// What the library has no way to do.
type unsupported string

func (why unsupported) Error() string { return string(why) }

type answer struct {
	ID       int64   `json:"id"`
	Outcome  string  `json:"outcome"`
	Received *string `json:"received"`
	Error    string  `json:"error,omitempty"`
}

// tlsConfig is crypto/tls as go-redis's documentation sets it up: RootCAs, and no ServerName.
func tlsConfig(test testCase) (*tls.Config, error) {
	if !test.TLS {
		return nil, nil
	}
	authority, err := os.ReadFile(test.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("no certificate in %s", test.CA)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, InsecureSkipVerify: !test.Verify}
	if test.ClientCert != nil && test.ClientKey != nil {
		pair, err := tls.LoadX509KeyPair(*test.ClientCert, *test.ClientKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func newClient(test testCase) (redis.UniversalClient, error) {
	config, err := tlsConfig(test)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("%s:%d", test.Host, test.Port)
	// With the library's own three retries shorter than the deadline, so that its own error is what people read.
	timeout := time.Duration(test.DeadlineMs) * time.Millisecond * 2 / 10
	switch test.Topology {
	case "cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{address}, Username: test.Username, Password: test.Password, TLSConfig: config,
			DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, DialerRetries: 1,
		}), nil
	case "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: test.Service, SentinelAddrs: []string{address},
			SentinelUsername: test.Username, SentinelPassword: test.Password,
			Username: test.Username, Password: test.Password, TLSConfig: config,
			DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, DialerRetries: 1,
		}), nil
	case "clear-sentinel":
		// FailoverOptions has one TLSConfig, and gives it to the connections to Sentinels and to the master.
		return nil, unsupported("go-redis has one setting of TLS for Sentinels and data nodes")
	case "standalone", "":
		return redis.NewClient(&redis.Options{
			Addr: address, Username: test.Username, Password: test.Password, TLSConfig: config,
			DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, DialerRetries: 1,
		}), nil
	default:
		return nil, unsupported("the adapter knows no topology " + test.Topology)
	}
}

// kept is the client that the case before left.
var kept redis.UniversalClient

// outcome does the case with a new client or with the one that was kept. The context ends the library wherever it waits.
func outcome(test testCase) (received *string, err error) {
	client := kept
	kept = nil
	within := time.Duration(test.DeadlineMs) * time.Millisecond * 9 / 10
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if client != nil && test.Client == "kept" {
		defer client.Close()
		// As an application does: what meets the lost connection fails, and the next request comes.
		for attempt := 1; ; attempt++ {
			received, err = roundTrip(ctx, client, test)
			if err == nil || attempt == attempts {
				return received, err
			}
			time.Sleep(pause)
		}
	}
	if client != nil {
		client.Close()
	}
	if client, err = newClient(test); err != nil {
		return nil, err
	}
	received, err = roundTrip(ctx, client, test)
	if err == nil && test.Client == "keep" {
		kept = client
	} else {
		client.Close()
	}
	return received, err
}

// roundTrip writes the value and reads it back.
func roundTrip(ctx context.Context, client redis.UniversalClient, test testCase) (received *string, err error) {
	if err := client.Set(ctx, test.Key, test.Value, 0).Err(); err != nil {
		return nil, err
	}
	text, err := client.Get(ctx, test.Key).Result()
	if err != nil {
		return nil, err
	}
	if text != test.Value {
		return &text, errors.New("GET returned another value than was SET")
	}
	return &text, nil
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // what the library prints is no answer
	answers.Encode(map[string]any{
		"protocol": 1, "adapter": "go-redis", "library": "github.com/redis/go-redis/v9",
		"version": redis.Version(), "runtime": runtime.Version(),
	})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var test testCase
		if err := json.Unmarshal(lines.Bytes(), &test); err != nil {
			fmt.Fprintln(os.Stderr, "no case of the lab:", err)
			os.Exit(1)
		}
		received, err := outcome(test)
		var why unsupported
		if err == nil {
			answers.Encode(answer{ID: test.ID, Outcome: "worked", Received: received})
		} else if errors.As(err, &why) {
			answers.Encode(answer{ID: test.ID, Outcome: "unsupported", Error: err.Error()})
		} else {
			text := fmt.Sprintf("%T: %v", err, err)
			answers.Encode(answer{ID: test.ID, Outcome: "failed", Received: received, Error: text})
		}
	}
}
