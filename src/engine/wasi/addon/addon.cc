// What Wasm guests need and JavaScript cannot say: V8's machine code as bytes and back, and memories made new cheaply.
//
//     serialize(module)              Uint8Array, or undefined while V8 has optimised nothing of the module
//     deserialize(wireBytes, code)   WebAssembly.Module, or undefined when `code` is of another V8, other flags or
//                                    another module, or is damaged
//     createImage(bytes, at)         number: what a memory holds from byte `at` on, in a sealed file in memory
//     mapImage(image, memory)        the memory shows the image; what is written stays its own
//     resetMemory(memory)            the memory is as new again: its image where it shows one, zeros elsewhere
//     closeImage(image)              the number is free; memories that show the image keep it
//
// Every argument is checked, and what the system denies is thrown. When mapImage or resetMemory throws a system error,
// the memory's contents are undefined: drop it. Pages keep their protection, and nothing behind a memory's last byte,
// where V8 has its guard regions, is touched.

#include <node.h>
#include <v8-wasm.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <variant>

namespace {

using v8::FunctionCallbackInfo;
using v8::Isolate;
using v8::Local;
using v8::Value;
using Bytes = v8::MemorySpan<const uint8_t>;
using Arguments = const FunctionCallbackInfo<Value>&;

// Wasm's page: a multiple of every page size that Linux has, so that images do not depend on the machine's.
constexpr size_t kWasmPage = 65536;

// Dirty bytes of a memory that are restored in place; the pages of all others are given back.
constexpr size_t kKeptBytes = 4 << 20;

struct Image {
  int fd = -1;
  size_t at = 0;
  size_t length = 0;  // whole Wasm pages
  const uint8_t* content = nullptr;

  Image() = default;
  Image(const Image&) = delete;
  ~Image() {
    if (content != nullptr) munmap(const_cast<uint8_t*>(content), length);
    if (fd >= 0) close(fd);
  }
};

// Whether a page may differ from what its mapping shows: it is in memory or swapped out, and no page of the image.
// https://docs.kernel.org/admin-guide/mm/pagemap.html
bool IsDirty(uint64_t entry) {
  bool is_somewhere = (entry >> 63 & 1) != 0 || (entry >> 62 & 1) != 0;
  bool is_file = (entry >> 61 & 1) != 0;
  return is_somewhere && !is_file;
}

// Reads one word for each page from `data` on.
bool ReadPagemap(int pagemap, const void* data, uint64_t* entries, size_t count) {
  off_t at = reinterpret_cast<uintptr_t>(data) / sysconf(_SC_PAGESIZE) * sizeof *entries;
  return pread(pagemap, entries, count * sizeof *entries, at) == static_cast<ssize_t>(count * sizeof *entries);
}

// -1 where the kernel has no such file, or where it says of a page just written that it was not.
int OpenPagemap() {
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  size_t page = sysconf(_SC_PAGESIZE);
  void* probe = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t entry = 0;
  if (probe != MAP_FAILED) {
    memset(probe, 1, page);
    if (!ReadPagemap(pagemap, probe, &entry, 1)) entry = 0;
    munmap(probe, page);
  }
  if (IsDirty(entry)) return pagemap;
  if (pagemap >= 0) close(pagemap);
  return -1;
}

// What one environment (main thread or worker) owns.
struct Addon {
  uint32_t next = 1;
  std::map<uint32_t, std::unique_ptr<Image>> images;
  int pagemap = OpenPagemap();
  // On the memory, so that it goes with it: the number of the image that it shows.
  v8::Global<v8::Private> shown;

  ~Addon() {
    if (pagemap >= 0) close(pagemap);
  }
};

void ThrowType(Isolate* isolate, const char* message) {
  isolate->ThrowException(v8::Exception::TypeError(v8::String::NewFromUtf8(isolate, message).ToLocalChecked()));
}

void ThrowRange(Isolate* isolate, const char* message) {
  isolate->ThrowException(v8::Exception::RangeError(v8::String::NewFromUtf8(isolate, message).ToLocalChecked()));
}

void ThrowSystem(Isolate* isolate, const char* call) {
  isolate->ThrowException(node::ErrnoException(isolate, errno, call));
}

// ── Arguments ────────────────────────────────────────────────────────────────────────────────────────────────────────

// The bytes of a Uint8Array. Shared ones are refused: they could change between a check and its use.
std::optional<Bytes> TakeBytes(Arguments info, int index) {
  if (info[index]->IsUint8Array()) {
    auto view = info[index].As<v8::Uint8Array>();
    Local<v8::ArrayBuffer> buffer = view->Buffer();
    if (!buffer.As<Value>()->IsSharedArrayBuffer()) {
      return Bytes(static_cast<const uint8_t*>(buffer->Data()) + view->ByteOffset(), view->ByteLength());
    }
  }
  ThrowType(info.GetIsolate(), "bytes must be a Uint8Array that is not shared");
  return std::nullopt;
}

// The writable pages of a WebAssembly.Memory: nothing else is taken, so nothing else can be overwritten.
std::optional<v8::MemorySpan<uint8_t>> TakeMemory(Arguments info, int index) {
  Isolate* isolate = info.GetIsolate();
  if (!info[index]->IsWasmMemoryObject()) return ThrowType(isolate, "memory must be a WebAssembly.Memory"), std::nullopt;
  Local<v8::ArrayBuffer> buffer = v8::WasmMemoryObject::Cast(*info[index])->Buffer();
  if (buffer.As<Value>()->IsSharedArrayBuffer()) return ThrowType(isolate, "memory must not be shared"), std::nullopt;
  auto* data = static_cast<uint8_t*>(buffer->Data());
  size_t length = buffer->ByteLength();
  size_t page = sysconf(_SC_PAGESIZE);
  if (reinterpret_cast<uintptr_t>(data) % page != 0 || length % page != 0) {
    return ThrowRange(isolate, "memory must begin and end on pages of the system"), std::nullopt;
  }
  return v8::MemorySpan<uint8_t>(data, length);
}

std::optional<size_t> TakeSize(Arguments info, int index) {
  double number = info[index]->IsNumber() ? info[index].As<v8::Number>()->Value() : -1;
  if (number >= 0 && number <= 9007199254740991 && number == static_cast<double>(static_cast<size_t>(number))) {
    return static_cast<size_t>(number);
  }
  return ThrowRange(info.GetIsolate(), "a place must be a whole number"), std::nullopt;
}

Addon* TakeAddon(Arguments info) {
  return static_cast<Addon*>(info.Data().As<v8::External>()->Value());
}

const Image* FindImage(Addon* addon, Local<Value> id) {
  if (!id->IsUint32()) return nullptr;
  auto found = addon->images.find(id.As<v8::Uint32>()->Value());
  return found == addon->images.end() ? nullptr : found->second.get();
}

const Image* TakeImage(Arguments info, int index) {
  const Image* image = FindImage(TakeAddon(info), info[index]);
  if (image == nullptr) ThrowRange(info.GetIsolate(), "an image must be what createImage returned, and not closed");
  return image;
}

// ── Machine code ─────────────────────────────────────────────────────────────────────────────────────────────────────

// V8 believes what it is given: it compares versions and flags, and neither the module nor the code itself. So each
// piece of code is bound to its module and to its own content. Against damage and mistakes, not against forgers.
struct CodeHeader {
  char magic[8] = {'n', 'e', 'b', 'c', 'o', 'd', 'e', '1'};
  uint64_t wire_digest;
  uint64_t code_digest;
};

uint64_t Digest(const uint8_t* data, size_t size) {
  uint64_t hash = 0x9e3779b97f4a7c15 ^ size;
  auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  };
  for (; size >= sizeof(uint64_t); data += sizeof(uint64_t), size -= sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    mix(word);
  }
  for (; size > 0; data++, size--) mix(*data);
  return hash;
}

void Serialize(Arguments info) {
  Isolate* isolate = info.GetIsolate();
  if (!info[0]->IsWasmModuleObject()) return ThrowType(isolate, "module must be a WebAssembly.Module");
  v8::CompiledWasmModule compiled = v8::WasmModuleObject::Cast(*info[0])->GetCompiledModule();
  v8::OwnedBuffer code = compiled.Serialize();
  if (code.size == 0) return;
  Bytes wire = compiled.GetWireBytesRef();
  CodeHeader header;
  header.wire_digest = Digest(wire.data(), wire.size());
  header.code_digest = Digest(code.buffer.get(), code.size);
  size_t size = sizeof header + code.size;
  Local<v8::ArrayBuffer> buffer;
  if (!v8::ArrayBuffer::MaybeNew(isolate, size).ToLocal(&buffer)) {
    return ThrowRange(isolate, "there is no memory for the machine code");
  }
  auto* out = static_cast<uint8_t*>(buffer->Data());
  memcpy(out, &header, sizeof header);
  memcpy(out + sizeof header, code.buffer.get(), code.size);
  info.GetReturnValue().Set(v8::Uint8Array::New(buffer, 0, size));
}

bool Belongs(Bytes wire, Bytes code) {
  CodeHeader expected, found;
  if (code.size() <= sizeof found) return false;
  memcpy(&found, code.data(), sizeof found);
  return memcmp(found.magic, expected.magic, sizeof found.magic) == 0 &&
         found.wire_digest == Digest(wire.data(), wire.size()) &&
         found.code_digest == Digest(code.data() + sizeof found, code.size() - sizeof found);
}

// V8's interface is asynchronous, but it delivers a module that it took from `code` within Finish(). When it refuses
// the code, it compiles the module in the background and delivers that later: nobody waits for it then.
void Deserialize(Arguments info) {
  Isolate* isolate = info.GetIsolate();
  auto wire = TakeBytes(info, 0);
  if (!wire) return;
  auto code = TakeBytes(info, 1);
  if (!code || !Belongs(*wire, *code)) return;
  Bytes machine_code(code->data() + sizeof(CodeHeader), code->size() - sizeof(CodeHeader));

  struct Delivery {
    bool is_awaited = true;
    Local<v8::WasmModuleObject> module;
  };
  auto delivery = std::make_shared<Delivery>();
  bool is_accepted = false;
  v8::WasmModuleCompilation compilation;
  compilation.SetHasCompiledModuleBytes();
  compilation.OnBytesReceived(wire->data(), wire->size());
  v8::EscapableHandleScope scope(isolate);
  compilation.Finish(
      isolate,
      [&](v8::WasmStreaming::ModuleCachingInterface& cache) {
        is_accepted = cache.SetCachedCompiledModuleBytes(machine_code);
      },
      [delivery](std::variant<Local<v8::WasmModuleObject>, Local<Value>> result) {
        auto* module = std::get_if<Local<v8::WasmModuleObject>>(&result);
        if (delivery->is_awaited && module != nullptr) delivery->module = *module;
      });
  delivery->is_awaited = false;
  if (is_accepted && !delivery->module.IsEmpty()) info.GetReturnValue().Set(scope.Escape(delivery->module));
}

// ── Memory images ────────────────────────────────────────────────────────────────────────────────────────────────────

bool WriteAll(int fd, Bytes bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) done += written;
  }
  return true;
}

// Sealed, it can neither change under a memory that shows it nor shrink, which would end the process at a touch.
bool Fill(Image* image, Bytes bytes) {
  image->fd = memfd_create("nebula-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (image->fd < 0 || ftruncate(image->fd, image->length) != 0 || !WriteAll(image->fd, bytes)) return false;
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (fcntl(image->fd, F_ADD_SEALS, seals) != 0) return false;
  void* mapped = mmap(nullptr, image->length, PROT_READ, MAP_PRIVATE, image->fd, 0);
  if (mapped == MAP_FAILED) return false;
  image->content = static_cast<const uint8_t*>(mapped);
  return true;
}

void CreateImage(Arguments info) {
  Isolate* isolate = info.GetIsolate();
  auto bytes = TakeBytes(info, 0);
  if (!bytes) return;
  auto at = TakeSize(info, 1);
  if (!at) return;
  if (bytes->size() == 0) return ThrowRange(isolate, "an image must have at least one byte");
  if (*at % kWasmPage != 0) return ThrowRange(isolate, "the place of an image must be a multiple of 65536");
  auto image = std::make_unique<Image>();
  image->at = *at;
  image->length = (bytes->size() + kWasmPage - 1) / kWasmPage * kWasmPage;
  if (!Fill(image.get(), *bytes)) return ThrowSystem(isolate, "create image");
  Addon* addon = TakeAddon(info);
  info.GetReturnValue().Set(addon->next);
  addon->images.emplace(addon->next++, std::move(image));
}

void MapImage(Arguments info) {
  Isolate* isolate = info.GetIsolate();
  const Image* image = TakeImage(info, 0);
  if (image == nullptr) return;
  auto memory = TakeMemory(info, 1);
  if (!memory) return;
  bool is_inside = image->length <= memory->size() && image->at <= memory->size() - image->length;
  if (!is_inside) return ThrowRange(isolate, "the image must lie within the memory");
  Local<v8::Context> context = isolate->GetCurrentContext();
  Local<v8::Private> shown = TakeAddon(info)->shown.Get(isolate);
  auto object = info[1].As<v8::Object>();
  if (object->HasPrivate(context, shown).FromMaybe(true)) return ThrowRange(isolate, "a memory shows one image only");
  if (object->SetPrivate(context, shown, info[0]).IsNothing()) return;
  void* place = memory->data() + image->at;
  int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  if (mmap(place, image->length, PROT_READ | PROT_WRITE, flags, image->fd, 0) != place) ThrowSystem(isolate, "mmap");
}

// A fault costs many times what it costs to write a page. So pages that were written are written again, in place, and
// the next instance finds them there; the rest was never touched. The kernel knows which is which. Where it does not
// say, and beyond kKeptBytes, private pages are given back: the next touch finds the image or zeros.
bool Reset(const Addon* addon, v8::MemorySpan<uint8_t> memory, const Image* image) {
  size_t page = sysconf(_SC_PAGESIZE);
  size_t restored = 0;
  uint64_t entries[512];
  for (size_t at = 0; at < memory.size();) {
    size_t count = std::min(std::size(entries), (memory.size() - at) / page);
    bool is_known = ReadPagemap(addon->pagemap, memory.data() + at, entries, count);
    if (!is_known || restored >= kKeptBytes) return madvise(memory.data() + at, memory.size() - at, MADV_DONTNEED) == 0;
    for (size_t i = 0; i < count; i++, at += page) {
      if (!IsDirty(entries[i])) continue;
      bool is_image = image != nullptr && at >= image->at && at - image->at < image->length;
      if (is_image) memcpy(memory.data() + at, image->content + (at - image->at), page);
      else memset(memory.data() + at, 0, page);
      restored += page;
    }
  }
  return true;
}

void ResetMemory(Arguments info) {
  Isolate* isolate = info.GetIsolate();
  auto memory = TakeMemory(info, 0);
  if (!memory || memory->size() == 0) return;
  Addon* addon = TakeAddon(info);
  Local<Value> id;
  Local<v8::Private> shown = addon->shown.Get(isolate);
  if (!info[0].As<v8::Object>()->GetPrivate(isolate->GetCurrentContext(), shown).ToLocal(&id)) return;
  const Image* image = FindImage(addon, id);
  bool is_closed = image == nullptr && !id->IsUndefined();
  bool is_reset = is_closed ? madvise(memory->data(), memory->size(), MADV_DONTNEED) == 0 : Reset(addon, *memory, image);
  if (!is_reset) ThrowSystem(isolate, "madvise");
}

void CloseImage(Arguments info) {
  if (TakeImage(info, 0) != nullptr) TakeAddon(info)->images.erase(info[0].As<v8::Uint32>()->Value());
}

}  // namespace

NODE_MODULE_INIT() {
  Isolate* isolate = Isolate::GetCurrent();
  // With huge pages, one byte written would make two megabytes dirty.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  auto* addon = new Addon;
  node::AddEnvironmentCleanupHook(isolate, [](void* it) { delete static_cast<Addon*>(it); }, addon);
  addon->shown.Reset(isolate, v8::Private::New(isolate));
  Local<v8::External> data = v8::External::New(isolate, addon);
  auto add = [&](const char* name, v8::FunctionCallback callback) {
    Local<v8::String> key = v8::String::NewFromUtf8(isolate, name).ToLocalChecked();
    Local<v8::Function> function = v8::Function::New(context, callback, data).ToLocalChecked();
    exports->Set(context, key, function).Check();
  };
  add("serialize", Serialize);
  add("deserialize", Deserialize);
  add("createImage", CreateImage);
  add("mapImage", MapImage);
  add("resetMemory", ResetMemory);
  add("closeImage", CloseImage);
}
