module github.com/breezeway-ipc/breezeway/examples/connect

go 1.25.0

require (
	connectrpc.com/connect v1.19.1
	github.com/breezeway-ipc/breezeway v0.0.0
	google.golang.org/protobuf v1.36.9
)

require golang.org/x/sys v0.47.0 // indirect

replace github.com/breezeway-ipc/breezeway => ../..
