#pragma once
// Asked by whoever does long work for a request: has the client gone, or is the service stopping?

namespace omni {

class CancelToken {
 public:
  virtual ~CancelToken() = default;
  virtual bool cancelled() const = 0;  // thread-safe
};

class NeverCancelled final : public CancelToken {
 public:
  bool cancelled() const override { return false; }
};

}  // namespace omni
