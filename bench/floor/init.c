// The floor of the benchmark: the smallest program that boots as PID 1, mounts the root disk, and answers on the first
// control port. 'P' is answered by 'p'; 'E' runs /bin/true of the root disk and is answered by 'e' (or 'x').
// It has no protocol, no streams and no error handling: what the agent costs beyond this is what its features cost.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char run_true(void) {
  static char *const argv[] = {"true", 0}, *const env[] = {"PATH=/bin", 0};
  pid_t pid = vfork();
  if (pid == 0) {
    execve("/bin/true", argv, env);
    _exit(127);
  }
  int status = 1;
  waitpid(pid, &status, 0);
  return status == 0 ? 'e' : 'x';
}

int main(void) {
  mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
  int port;
  while ((port = open("/dev/vport0p1", O_RDWR | O_NONBLOCK)) < 0) {
    struct timespec pause = {0, 200000};
    nanosleep(&pause, 0);
  }
  mount("/dev/vda", "/newroot", "ext4", 0, 0);
  chdir("/newroot");
  chroot(".");
  for (;;) {
    char byte;
    struct pollfd wait = {port, POLLIN, 0};
    poll(&wait, 1, -1);
    if (read(port, &byte, 1) != 1) continue;
    byte = byte == 'E' ? run_true() : 'p';
    // A full queue takes nothing: wait for room, or the host would wait for ever.
    wait.events = POLLOUT;
    while (write(port, &byte, 1) != 1) poll(&wait, 1, 1);
  }
}
