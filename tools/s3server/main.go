// Command s3server is rclone with its S3 server and the directories of this machine, and
// nothing else of it: `make s3` tests against it. The server checks signatures.
package main

import (
	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/serve"
	_ "github.com/rclone/rclone/cmd/serve/s3"
)

func main() { cmd.Main() }
