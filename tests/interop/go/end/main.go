// One end of TLS 1.3 connections, one after the other, by Go's crypto/tls; a line of what it has to say of each.
//
//	end client -address A -ca FILE -name NAME [-cert FILE -key FILE] [-times N] [-groups NAME,NAME]
//	end server -address A -cert FILE -key FILE [-clients FILE] [-times N] [-groups NAME,NAME]
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

var (
	address = flag.String("address", "", "host:port")
	name    = flag.String("name", "", "the server's name")
	ca      = flag.String("ca", "", "whom a client trusts")
	clients = flag.String("clients", "", "whom a server trusts: it then requires a certificate")
	cert    = flag.String("cert", "", "our certificates")
	key     = flag.String("key", "", "our key")
	times   = flag.Int("times", 1, "how many connections")
	groups  = flag.String("groups", "", "key exchange groups")
)

var known = map[string]tls.CurveID{
	"SecP256r1MLKEM768": tls.SecP256r1MLKEM768,
	"X25519MLKEM768":    tls.X25519MLKEM768,
	"X25519":            tls.X25519,
	"CurveP256":         tls.CurveP256,
	"CurveP384":         tls.CurveP384,
}

func main() {
	role := os.Args[1]
	flag.CommandLine.Parse(os.Args[2:])
	config := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		ServerName:         *name,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
		RootCAs:            pool(*ca),
		ClientCAs:          pool(*clients),
	}
	if *clients != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if *cert != "" {
		own, err := tls.LoadX509KeyPair(*cert, *key)
		need(err)
		config.Certificates = []tls.Certificate{own}
	}
	for _, group := range strings.Split(*groups, ",") {
		if id, is := known[group]; is {
			config.CurvePreferences = append(config.CurvePreferences, id)
		} else if group != "" {
			need(fmt.Errorf("there is no group %s", group))
		}
	}
	if role == "server" {
		serve(config)
	} else {
		ask(config)
	}
}

func serve(config *tls.Config) {
	listener, err := net.Listen("tcp", *address)
	need(err)
	for range *times {
		plain, err := listener.Accept()
		need(err)
		say(answer(tls.Server(plain, config)))
	}
}

func answer(connection *tls.Conn) (string, error) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	if err := connection.Handshake(); err != nil {
		return "", err
	}
	if _, err := http.ReadRequest(bufio.NewReader(connection)); err != nil {
		return "", err
	}
	body := "from Go"
	_, err := fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	return told(connection.ConnectionState(), 0), err
}

func ask(config *tls.Config) {
	for range *times {
		plain, err := net.Dial("tcp", *address)
		need(err)
		say(question(tls.Client(plain, config)))
	}
}

func question(connection *tls.Conn) (string, error) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	if err := connection.Handshake(); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", *name); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	return told(connection.ConnectionState(), len(body)), err
}

func told(state tls.ConnectionState, bytes int) string {
	peer := "nobody"
	if len(state.PeerCertificates) > 0 {
		peer = state.PeerCertificates[0].Subject.CommonName
	}
	return fmt.Sprintf("%s resumed=%t retried=%t group=%s suite=%s alpn=%s peer=%q bytes=%d",
		tls.VersionName(state.Version), state.DidResume, state.HelloRetryRequest, state.CurveID,
		tls.CipherSuiteName(state.CipherSuite), state.NegotiatedProtocol, peer, bytes)
}

func say(told string, err error) {
	if err != nil {
		told = "error: " + err.Error()
	}
	fmt.Println(told)
}

func pool(file string) *x509.CertPool {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	need(err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		need(fmt.Errorf("%s holds no certificate", file))
	}
	return pool
}

func need(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
