// The floor of the benchmark: the smallest program that boots as PID 1, mounts the root disk, and answers on the first
// control port. 'P' is answered by 'p'; 'E' runs /bin/true of the root disk and is answered by 'e' (or 'x'). 'W' takes
// 16 MiB and is answered by 'w'; 'R' is answered by 16 MiB of 'r'.
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

#define BULK (16L << 20)
static char bulk[1 << 16];

static void await_port(int port, short events) {
  struct pollfd wait = {port, events, 0};
  poll(&wait, 1, -1);
}

static void take_bulk(int port) {
  for (long left = BULK; left > 0;) {
    long taken = read(port, bulk, left < sizeof bulk ? left : sizeof bulk);
    if (taken > 0) left -= taken;
    else await_port(port, POLLIN);
  }
}

static void give_bulk(int port) {
  for (unsigned i = 0; i < sizeof bulk; i++) bulk[i] = 'r';
  // A write takes at most 32 KiB.
  for (long left = BULK; left > 0;) {
    long given = write(port, bulk, left < 32768 ? left : 32768);
    if (given > 0) left -= given;
    else await_port(port, POLLOUT);
  }
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
    if (byte == 'R') {
      give_bulk(port);
      continue;
    }
    if (byte == 'W') {
      take_bulk(port);
      byte = 'w';
    } else {
      byte = byte == 'E' ? run_true() : 'p';
    }
    // A full queue takes nothing: wait for room, or the host would wait for ever.
    wait.events = POLLOUT;
    while (write(port, &byte, 1) != 1) poll(&wait, 1, 1);
  }
}
