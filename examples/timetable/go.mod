module github.com/breezeway-ipc/breezeway/examples/timetable

go 1.25.0

require (
	github.com/breezeway-ipc/breezeway v0.0.0
	github.com/chromedp/cdproto v0.159.2
	github.com/chromedp/chromedp v0.23.0
	go.etcd.io/bbolt v1.4.3
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/net v0.52.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/breezeway-ipc/breezeway => ../..
