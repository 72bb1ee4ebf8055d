// Loads a page and what else is named over HTTP/2 with one key exchange group, and prints what was negotiated.
//
//	load CA ADDRESS URL CURVE [PATH...]
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

var curves = map[string]tls.CurveID{
	"X25519MLKEM768": tls.X25519MLKEM768,
	"X25519":         tls.X25519,
	"CurveP256":      tls.CurveP256,
	"CurveP384":      tls.CurveP384,
}

func main() {
	client, err := client(os.Args[1], os.Args[2], os.Args[4])
	for _, path := range append([]string{"/"}, os.Args[5:]...) {
		if err == nil {
			err = load(client, os.Args[3]+path)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func client(ca, address, curve string) (*http.Client, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	id, known := curves[curve]
	if !known {
		return nil, fmt.Errorf("there is no curve %s", curve)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	transport := &http.Transport{
		DialContext:       dial,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{id}},
	}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}

func load(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	fmt.Println(response.Proto, response.StatusCode, response.TLS.CurveID, len(body))
	return nil
}
