package object

// foldsNames says that different names may be the same file.
const foldsNames = false
