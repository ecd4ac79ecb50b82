#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Zeroed memory for a table that is read at random.
///
/// Large tables ask for pages of 2 MiB, since a look into a table of small pages costs a walk through the page tables beside the
/// line itself.
final class TableMemory: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let size: Int

  private static let hugePage = 1 << 21

  init(byteCount: Int) {
    size = max(byteCount, 64)
    #if canImport(Glibc) || canImport(Musl)
      if size >= Self.hugePage / 2 {
        // One huge page more than needed, so that the table can begin at a boundary; untouched pages cost nothing.
        let length = size + 2 * Self.hugePage
        let flags = Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS)
        if let address = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0), address != MAP_FAILED {
          mapping = (address, length)
          let start = (UInt(bitPattern: address) + UInt(Self.hugePage - 1)) & ~UInt(Self.hugePage - 1)
          base = address + Int(start - UInt(bitPattern: address))
          madvise(base, (size + Self.hugePage - 1) & ~(Self.hugePage - 1), 14 /* MADV_HUGEPAGE */)
          return
        }
      }
    #endif
    mapping = nil
    base = .allocate(byteCount: size, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  private let mapping: (address: UnsafeMutableRawPointer, length: Int)?

  deinit {
    if let mapping {
      munmap(mapping.address, mapping.length)
    } else {
      base.deallocate()
    }
  }

  /// The memory as a row of numbers.
  func row<Number: FixedWidthInteger>(of _: Number.Type) -> UnsafeMutablePointer<Number> {
    base.bindMemory(to: Number.self, capacity: size / MemoryLayout<Number>.stride)
  }
}
