// The first process of a pod's namespaces, and, called as "pause node STATE FD TARGET", of a whole node's:
// it reaps what others leave behind until it is asked to end. As a node it also passes connections on from
// FD, a listening socket that it was given, to TARGET: the socket belongs to the network outside.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == "node" {
		go passOn(os.Args[3], os.Args[4])
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGINT, syscall.SIGTERM)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		reap()
	}
}

func reap() {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == nil && pid <= 0 || err == syscall.ECHILD {
			return
		}
	}
}

func passOn(descriptor, target string) {
	number, err := strconv.Atoi(descriptor)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.FileListener(os.NewFile(uintptr(number), "listener"))
	if err != nil {
		log.Fatal(err)
	}
	for {
		accepted, err := listener.Accept()
		if err != nil {
			log.Print(err)
			time.Sleep(10 * time.Millisecond) // no descriptors left, say
			continue
		}
		go connect(accepted.(*net.TCPConn), target)
	}
}

// connect joins a connection to a new one; when one side ends its half, so does the other.
func connect(here *net.TCPConn, target string) {
	defer here.Close()
	dialled, err := net.Dial("tcp", target)
	if err != nil {
		here.SetLinger(0) // a reset: what is behind is not there
		return
	}
	there := dialled.(*net.TCPConn)
	defer there.Close()
	done := make(chan struct{})
	go func() { copyHalf(there, here); close(done) }()
	copyHalf(here, there)
	<-done
}

func copyHalf(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.SetLinger(0)
		to.Close() // it was broken off, and the other side is to see that too
		return
	}
	to.CloseWrite()
}
