using System;
using System.IO;
using System.IO.MemoryMappedFiles;

static class Attach
{
    static void Main(string[] args)
    {
        // On Windows: MemoryMappedFile.OpenExisting(args[0])
        using (var file = MemoryMappedFile.CreateFromFile("/dev/shm/" + args[0], FileMode.Open))
        using (var view = file.CreateViewAccessor())
        {
            Console.WriteLine(view.ReadInt64(0));
            view.Write(8, 42L);
        }
    }
}
