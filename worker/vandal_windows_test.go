package worker

import "golang.org/x/sys/windows"

// closeDescriptors closes handles of this process that may be those of its connection.
func closeDescriptors() {
	for h := windows.Handle(4); h < 4096; h += 4 {
		if t, err := windows.GetFileType(h); err == nil && t == windows.FILE_TYPE_PIPE {
			windows.CloseHandle(h)
		}
	}
}
