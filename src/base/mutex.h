// Locks whose use a compiler checks: Clang's thread-safety analysis (clang.llvm.org/docs/ThreadSafetyAnalysis.html),
// which `make check` runs, proves that what is FEEDMILL_GUARDED_BY a mutex is touched under it only, and that callers
// of a function that FEEDMILL_REQUIRES it hold it. The standard library's own locks carry no such attributes. To GCC
// all of this is the standard's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "base/clock.h"

#ifdef __clang__
#define FEEDMILL_THREAD_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define FEEDMILL_THREAD_ATTRIBUTE(...)
#endif

// Of a member: this mutex guards it.
#define FEEDMILL_GUARDED_BY(mutex) FEEDMILL_THREAD_ATTRIBUTE(guarded_by(mutex))
// Of a function, or a lambda after its parentheses: called with the mutexes held, by one thread or by readers.
#define FEEDMILL_REQUIRES(...) FEEDMILL_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define FEEDMILL_REQUIRES_SHARED(...) FEEDMILL_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
// Of a function: takes them and leaves them taken, if it returns what is stated; gives them back.
#define FEEDMILL_ACQUIRE(...) FEEDMILL_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define FEEDMILL_TRY_ACQUIRE(...) FEEDMILL_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define FEEDMILL_RELEASE(...) FEEDMILL_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
// Of a function: from its call on they are believed to be held, for what the analysis cannot follow: a guard that was
// handed on, an object that no other thread knows yet.
#define FEEDMILL_ASSERTS(...) FEEDMILL_THREAD_ATTRIBUTE(assert_capability(__VA_ARGS__))
#define FEEDMILL_ASSERTS_SHARED(...) FEEDMILL_THREAD_ATTRIBUTE(assert_shared_capability(__VA_ARGS__))

namespace feedmill {

class FEEDMILL_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() FEEDMILL_ACQUIRE() { mutex_.lock(); }
  bool TryLock() FEEDMILL_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void Unlock() FEEDMILL_RELEASE() { mutex_.unlock(); }
  void AssertHeld() const FEEDMILL_ASSERTS() {}

 private:
  friend class CondVar;
  friend class MutexLock;
  std::mutex mutex_;
};

// Held until the end of the block, with pauses if need be.
class FEEDMILL_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) FEEDMILL_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  // Takes over what the caller has locked.
  MutexLock(Mutex& mutex, std::adopt_lock_t held) FEEDMILL_REQUIRES(mutex) : lock_(mutex.mutex_, held) {}
  ~MutexLock() FEEDMILL_RELEASE() {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void Unlock() FEEDMILL_RELEASE() { lock_.unlock(); }
  void Lock() FEEDMILL_ACQUIRE() { lock_.lock(); }

 private:
  std::unique_lock<std::mutex> lock_;
};

// One writer or many readers.
class FEEDMILL_THREAD_ATTRIBUTE(capability("shared mutex")) SharedMutex {
 public:
  void Lock() FEEDMILL_ACQUIRE() { mutex_.lock(); }
  bool TryLock() FEEDMILL_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void Unlock() FEEDMILL_RELEASE() { mutex_.unlock(); }
  // Held while it lives. It can be handed on, where the analysis does not follow: who reads under it asserts so.
  using ReadGuard = std::shared_lock<std::shared_mutex>;
  ReadGuard LockShared() { return ReadGuard(mutex_); }
  void AssertShared() const FEEDMILL_ASSERTS_SHARED() {}

 private:
  std::shared_mutex mutex_;
};

class FEEDMILL_THREAD_ATTRIBUTE(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) FEEDMILL_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~WriterLock() FEEDMILL_RELEASE() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// std::condition_variable over a Mutex. `ready` is called under it: a lambda that FEEDMILL_REQUIRES the mutex.
class CondVar {
 public:
  template <typename Ready>
  void Wait(Mutex& mutex, Ready ready) FEEDMILL_REQUIRES(mutex) {
    Borrowed lock(mutex);
    condition_.wait(lock, std::move(ready));
  }
  // What `ready` says at the end.
  template <typename Ready>
  bool WaitFor(Mutex& mutex, Micros time_max, Ready ready) FEEDMILL_REQUIRES(mutex) {
    Borrowed lock(mutex);
    return condition_.wait_for(lock, std::chrono::microseconds(time_max), std::move(ready));
  }
  // Until notified; may return earlier.
  void WaitFor(Mutex& mutex, Micros time_max) FEEDMILL_REQUIRES(mutex) {
    Borrowed lock(mutex);
    condition_.wait_for(lock, std::chrono::microseconds(time_max));
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  // The caller's hold, in the shape that the standard asks for; the caller keeps it.
  struct Borrowed : std::unique_lock<std::mutex> {
    explicit Borrowed(Mutex& mutex) : std::unique_lock<std::mutex>(mutex.mutex_, std::adopt_lock) {}
    ~Borrowed() { release(); }
  };
  std::condition_variable condition_;
};

}  // namespace feedmill
