using System;
using System.IO;
using System.IO.MemoryMappedFiles;

static class Attach
{
    static void Main(string[] args)
    {
        bool windows = Environment.OSVersion.Platform == PlatformID.Win32NT;
        using (var file = windows ? MemoryMappedFile.OpenExisting(args[0]) : MemoryMappedFile.CreateFromFile("/dev/shm/" + args[0], FileMode.Open))
        using (var view = file.CreateViewAccessor())
        {
            Console.WriteLine(view.ReadInt64(0));
            view.Write(8, 42L);
        }
    }
}
