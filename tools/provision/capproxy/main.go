// Command capproxy stands between Bazel and a remote execution server whose
// lowest announced API version is newer than the 2.0 that Bazel asks for. It
// forwards every call as it is and widens the announced range of versions: the
// newer minor versions only add to 2.0.
//
// It listens on loopback only, prints one line with its address when it is
// ready, and stops when its standard input ends, so that it cannot outlive the
// script that started it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/bazelbuild/remote-apis/build/bazel/semver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// maxMessage bounds one message: Bazel's batches stay below 4 MiB, a server's
// replies can be several times that.
const maxMessage = 64 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "loopback `address` to listen on")
	target := flag.String("target", "", "`address` of the remote execution server")
	flag.Parse()
	if err := run(*listen, *target); err != nil {
		fmt.Fprintln(os.Stderr, "capproxy:", err)
		os.Exit(1)
	}
}

func run(listen, target string) error {
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return err
	}
	if !addr.IP.IsLoopback() {
		return fmt.Errorf("%s is no loopback address", listen)
	}
	backend, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(opaque{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return err
	}
	defer backend.Close()
	server := grpc.NewServer(
		grpc.ForceServerCodec(opaque{}),
		grpc.UnknownServiceHandler(func(_ any, down grpc.ServerStream) error { return forward(backend, down) }),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	fmt.Println(listener.Addr())
	return server.Serve(listener)
}

// forward relays one call, of whatever kind, in both directions.
func forward(backend *grpc.ClientConn, down grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(down)
	in, _ := metadata.FromIncomingContext(down.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(down.Context(), in.Copy()))
	defer cancel()
	up, err := backend.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		if sendUp(up, down) != nil {
			cancel()
		}
	}()
	return sendDown(down, up, method == repb.Capabilities_GetCapabilities_FullMethodName)
}

// sendUp relays what the caller says, until it has said all.
func sendUp(up grpc.ClientStream, down grpc.ServerStream) error {
	for {
		var m message
		err := down.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			return up.CloseSend()
		}
		if err != nil {
			return err
		}
		if up.SendMsg(&m) != nil {
			return nil // the reason arrives through up.RecvMsg
		}
	}
}

// sendDown relays the answer, until there is no more of it.
func sendDown(down grpc.ServerStream, up grpc.ClientStream, capabilities bool) error {
	for headerSent := false; ; headerSent = true {
		var m message
		err := up.RecvMsg(&m)
		if !headerSent {
			if header, err := up.Header(); err == nil {
				down.SendHeader(header)
			}
		}
		if err != nil {
			down.SetTrailer(up.Trailer())
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && capabilities {
			m, err = widen(m)
		}
		if err == nil {
			err = down.SendMsg(&m)
		}
		if err != nil {
			return err
		}
	}
}

// widen lowers the oldest API version that a GetCapabilities reply announces to 2.0.
func widen(m message) (message, error) {
	var c repb.ServerCapabilities
	if err := proto.Unmarshal(m, &c); err != nil {
		return nil, err
	}
	c.LowApiVersion = &semver.SemVer{Major: 2}
	return proto.Marshal(&c)
}

// A message is one gRPC message that nobody decodes.
type message []byte

// opaque is the codec of messages.
type opaque struct{}

func (opaque) Marshal(v any) ([]byte, error) { return *v.(*message), nil }

func (opaque) Unmarshal(data []byte, v any) error {
	*v.(*message) = append([]byte(nil), data...)
	return nil
}

func (opaque) Name() string { return "proto" }
