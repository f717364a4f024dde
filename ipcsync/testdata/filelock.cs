// Locks and unlocks ranges of the file args[0] as it is told, with
// FileStream.Lock. If there is an args[1], it opens the file with FileShare.None.
using System;
using System.IO;

static class FileLockPeer
{
    static void Main(string[] args)
    {
        using (var file = new FileStream(args[0], FileMode.Open, FileAccess.ReadWrite, args.Length > 1 ? FileShare.None : FileShare.ReadWrite))
        {
            Console.WriteLine("open");
            for (string line; (line = Console.ReadLine()) != null;)
            {
                var words = line.Split(' ');
                long offset = long.Parse(words[1]), length = long.Parse(words[2]);
                try
                {
                    if (words[0] == "trylock")
                        file.Lock(offset, length);
                    else
                        file.Unlock(offset, length);
                    Console.WriteLine("done");
                }
                catch (IOException)
                {
                    Console.WriteLine("busy");
                }
            }
        }
    }
}
